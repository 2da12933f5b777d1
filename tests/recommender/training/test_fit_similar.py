import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.training import fit_similar as fit_similar_file
from recommender.training.fit_similar import SimilarVectors, fit_co_consumption, next_item_measure
from recommender.training.neighbours import NeighbourBatches
from schemas.settings import Settings
from small_interactions import divided, interactions

NUM_USERS, NUM_ITEMS = 80, 32
UNRATED = (30, 31)
KINDS = Ragged((np.arange(NUM_ITEMS) % 2).astype(np.int32), np.arange(NUM_ITEMS + 1))
NOTHING = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
CATALOGUE = Catalogue(NUM_USERS, 2, 0, 0, KINDS, NOTHING, NOTHING)
"""An item's genre is its parity."""


def make_settings(method: str = "random", seed: int = 5, refit: bool = True, **similar: object) -> Settings:
    small = {"embedding_dimension": 8, "batch_size": 128, "epochs": 8, "id_dropout": 0.3} | similar
    return Settings.model_validate(
        {
            **{
                "name": "test",
                "data": {"folder": "."},
                "split": {"method": method},
                "similar": {"co_consumption": small},
            },
            "training": {"seed": seed, "refit": refit},
        }
    )


def make_events() -> Interactions:
    """Users choose 10 of the rated items of their own parity, the low numbers most, one after the other."""
    generator = np.random.default_rng(0)
    own = np.arange(UNRATED[0]).reshape(-1, 2).T
    weights = 1 / np.arange(1, 16)
    choose = generator.choice
    item = [choose(own[user % 2], 10, replace=False, p=weights / weights.sum()) for user in range(NUM_USERS)]
    user, count = np.repeat(np.arange(NUM_USERS, dtype=np.int32), 10), NUM_USERS * 10
    timestamp = generator.permutation(count).astype(np.int64)
    return interactions(user, np.concatenate(item), 1.0, timestamp, NUM_USERS, NUM_ITEMS)


def fit(events: Interactions, settings: Settings) -> SimilarVectors:
    return fit_co_consumption(divided(events, settings), CATALOGUE, settings)


def scores(vectors: SimilarVectors) -> np.ndarray:
    values = vectors.queries @ vectors.candidates.T
    np.fill_diagonal(values, -np.inf)
    return values


@pytest.fixture(scope="module")
def fitted() -> SimilarVectors:
    return fit(make_events(), make_settings())


def test_items_of_the_same_taste_come_first_however_popular_the_others_are(fitted: SimilarVectors) -> None:
    best = np.argsort(-scores(fitted)[: UNRATED[0]], axis=1)[:, :8]
    assert np.mean(best % 2 == np.arange(UNRATED[0])[:, np.newaxis] % 2) > 0.97


def test_items_without_events_are_placed_by_their_content_on_both_sides(fitted: SimilarVectors) -> None:
    values = scores(fitted)
    for item in UNRATED:
        assert (np.argsort(-values[item])[:8] % 2 == item % 2).all()
        same, other = (np.arange(UNRATED[0])[parity::2] for parity in (item % 2, 1 - item % 2))
        assert values[same, item].min() > values[other, item].max()


def test_held_out_events_are_not_learned_from_and_the_seed_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """By time, the first fit has the earliest nine tenths; of one epoch, there is nothing to choose."""
    given = []

    def record(events: Interactions, *rest: object) -> NeighbourBatches:
        given.append(events)
        return NeighbourBatches(events, *rest)

    monkeypatch.setattr(fit_similar_file, "NeighbourBatches", record)
    events = make_events()
    late = events.timestamp >= 720
    changed = np.where(late, 29 - events.item, events.item)
    others = interactions(events.user, changed, 1.0, events.timestamp, NUM_USERS, NUM_ITEMS)
    settings = make_settings("time", refit=False, epochs=1)
    one, two = (fit(each, settings) for each in (events, others))
    assert sorted(given[0].timestamp) == sorted(events.timestamp)[:720]
    assert np.array_equal(one.queries, two.queries) and np.array_equal(one.candidates, two.candidates)
    other_seed = fit(events, make_settings("time", seed=6, refit=False, epochs=1))
    assert not np.array_equal(one.queries, other_seed.queries)


def test_a_held_out_item_is_asked_for_by_the_one_before() -> None:
    """User 0 has items 2, 1, 3, of which 3 is held out; user 1 has 4 alone, held out; 5 of user 2 is before 6."""
    user, item, timestamp = [0, 0, 2, 2, 0, 1], [2, 1, 5, 6, 3, 4], [20, 10, 5, 9, 30, 1]
    events = interactions(user, item, 1.0, timestamp, NUM_USERS, NUM_ITEMS)
    measure = next_item_measure(HoldOut(events, np.isin(events.item, [3, 4, 6]).astype(np.int8)), seed=0)
    assert measure is not None
    identity = np.eye(NUM_ITEMS, dtype=np.float32)
    asked = np.zeros((NUM_ITEMS, NUM_ITEMS), np.float32)
    asked[2, 3] = asked[5, 6] = 1.0
    assert list(measure.users) == [2, 5]
    assert measure(asked[[2, 5]], identity) == pytest.approx(1.0)
    asked[5, [7, 8]] = 2.0  # two items above 6
    asked[2, 2] = 9.0  # the item itself does not count
    assert measure(asked[[2, 5]], identity) == pytest.approx((1 + 1 / 2) / 2)


def test_without_a_pair_to_stop_by_there_is_nothing_to_measure() -> None:
    events = interactions([0, 1], [1, 2], 1.0, [5, 6])
    assert next_item_measure(HoldOut(events, np.array([0, 1], np.int8)), seed=0) is None
