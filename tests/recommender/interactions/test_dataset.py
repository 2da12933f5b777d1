import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.dataset import Dataset, split
from recommender.interactions.hold_out import hold_out
from recommender.interactions.ragged import Ragged
from schemas.errors import DataError
from small_interactions import interactions


@pytest.fixture
def dataset() -> Dataset:
    """Users 0 to 4 choose 6 items each, one after the other; user 5 comes last, with item 0."""
    user, item = [*np.repeat(np.arange(5), 6), 5], [*np.tile(np.arange(6), 5), 0]
    nothing = Ragged.of([[]] * 6)
    return Dataset(
        interactions=interactions(user, item, 3.0, np.arange(31)),
        catalogue=Catalogue(6, 0, 0, 1, nothing, nothing, nothing),
        users=[b"u%d" % user for user in range(6)],
        items=[b"i%d" % item for item in range(6)],
        genres=[],
        titles=np.array([b"t"] * 6, object),
    )


def test_users_without_training_interactions_come_after_the_known_ones(dataset: Dataset) -> None:
    train, test = split(dataset, share=7 / 31, method="time")
    assert train.users == [b"u0", b"u1", b"u2", b"u3"] and train.catalogue.num_users == 4
    assert train.interactions.num_users == 4 and len(train.interactions) == 24
    assert test.num_users == 6 and test.user.tolist() == [4] * 6 + [5]
    assert test.timestamp.tolist() == list(range(24, 31))
    assert train.items == dataset.items and train.interactions.num_items == 6


def test_at_random_every_interaction_is_on_one_side(dataset: Dataset) -> None:
    train, test = split(dataset, share=0.4, seed=1)
    times = [*train.interactions.timestamp, *test.timestamp]
    assert sorted(times) == list(range(31)) and 4 < len(test) < 22
    names = np.array([*train.users, b"unknown"])
    kept = {(names[user], item) for user, item in zip(train.interactions.user, train.interactions.item, strict=True)}
    assert kept <= {(b"u%d" % user, item) for user in range(6) for item in range(6)}


def test_what_is_held_out_in_training_does_not_depend_on_the_split() -> None:
    """Also with equal seeds: a share of the training interactions is held out, not what the split left of it."""
    user, item = np.repeat(np.arange(100), 20), np.tile(np.arange(20), 100)
    nothing = Ragged.of([[]] * 20)
    catalogue = Catalogue(100, 0, 0, 1, nothing, nothing, nothing)
    events = interactions(user, item, 3.0, np.arange(2_000))
    train, test = split(Dataset(events, catalogue, [b""] * 100, [b""] * 20, [], np.array([b""] * 20, object)), seed=42)
    assert 0.17 < len(test) / 2_000 < 0.23
    assert 0.08 < len(hold_out(train.interactions, 0.1, "random", 42).held_out) / len(train.interactions) < 0.12


def test_too_few_interactions_are_refused(dataset: Dataset) -> None:
    one = dataset._replace(interactions=dataset.interactions.take(np.array([0])))
    with pytest.raises(DataError, match="too few"):
        split(one)
