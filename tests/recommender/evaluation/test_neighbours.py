import numpy as np
import pytest

from recommender.evaluation import neighbours
from recommender.interactions.interactions import Interactions
from small_interactions import interactions


@pytest.fixture
def events() -> Interactions:
    """Users choose items of their own parity, some of them twice."""
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(60), 9)
    return interactions(user, 2 * rng.integers(0, 15, 540) + user % 2, None, None, num_items=31)


def _binary(events: Interactions) -> np.ndarray:
    seen = np.zeros((events.num_users + 1, events.num_items))
    seen[events.user, events.item] = 1
    return seen


def test_ease_is_the_formula_of_the_paper(events: Interactions) -> None:
    seen = _binary(events)
    inverse = np.linalg.inv(seen.T @ seen + 5 * np.eye(31))
    weights = np.eye(31) - inverse / np.diag(inverse)
    found = neighbours.fit_ease(events, 5.0)
    assert found.weights == pytest.approx(weights, abs=1e-6)
    assert found.scores(np.array([3])) == pytest.approx(seen[[3]] @ weights, abs=2e-6)


def test_each_item_keeps_its_nearest_neighbours_in_any_number_of_blocks(events: Interactions, monkeypatch) -> None:
    monkeypatch.setattr(neighbours, "NEIGHBOURS", 4)
    seen = _binary(events)
    both, number = seen.T @ seen, seen.sum(axis=0)
    expected = both / (np.sqrt(np.outer(number, number)) + 10)
    np.fill_diagonal(expected, 0)
    # Each column, an item's, keeps its four highest cells.
    nearest = np.sort(expected, axis=0)[-4]
    whole = neighbours.fit_item_knn(events, 10.0).weights.toarray()
    assert whole[whole > 0] == pytest.approx(expected[whole > 0])
    assert (whole.max(axis=0) == pytest.approx(expected.max(axis=0))) and np.count_nonzero(whole, axis=0).max() == 4
    assert (expected[whole > 0] >= np.broadcast_to(nearest, (31, 31))[whole > 0] - 1e-9).all()
    monkeypatch.setattr(neighbours, "_PAIRS_AT_ONCE", 200)
    assert np.array_equal(neighbours.fit_item_knn(events, 10.0).weights.toarray(), whole)


@pytest.mark.parametrize("fit", [neighbours.ease, neighbours.item_knn])
def test_users_get_unseen_items_of_their_own_kind_and_new_ones_popular_items(events: Interactions, fit) -> None:
    model = fit(events, "random", 0)
    lists = model.lists(np.array([0, 1, 60]), events.items)
    for user in (0, 1):
        own = 15 - len(np.unique(events.item[events.user == user]))
        assert set(lists[user, :own] % 2) == {user} and not set(lists[user]) & set(events.item[events.user == user])
    assert lists[2, 0] == np.argmax(events.popularity)


def test_too_many_co_occurrences_are_not_counted(events: Interactions, monkeypatch) -> None:
    assert neighbours.neighbours(events, "random", 0).name == "EASE"
    monkeypatch.setattr(neighbours, "EASE_ITEMS", 30)
    assert neighbours.neighbours(events, "random", 0).name == "item-kNN"
    monkeypatch.setattr(neighbours, "MOST_PAIRS", 60)
    assert neighbours.neighbours(events, "random", 0) is None
