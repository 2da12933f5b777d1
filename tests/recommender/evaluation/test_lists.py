import numpy as np

from recommender.evaluation import lists
from recommender.evaluation.lists import best_items, first_items
from recommender.interactions.ragged import Ragged


def test_the_best_unseen_items_in_order_then_padding() -> None:
    scores = np.array([[1, 5, np.nan, 3], [4, 3, 2, 1]], np.float32)
    found = best_items(lambda users: scores[users], np.array([1, 0]), Ragged.of([[1], [0, 1, 2, 3]]), 4)
    assert found.shape == (2, 100)
    assert found[0].tolist() == [4] * 100, "this user has seen all"
    assert found[1, :3].tolist() == [3, 0, 4], "NaN is never shown"


def test_one_order_for_all_gives_what_its_scores_would(monkeypatch) -> None:
    monkeypatch.setattr(lists, "_CELLS_AT_ONCE", 2_000)
    monkeypatch.setattr(lists, "_USERS_AT_ONCE", 3)
    rng = np.random.default_rng(0)
    scores = rng.permutation(300).astype(np.float32)
    seen = Ragged.of([rng.choice(300, size, replace=False) for size in (0, 5, 250, 300, 100, 1, 40)])
    users = np.array([6, 5, 4, 3, 2, 1, 0, 2])
    found = first_items(np.argsort(-scores), users, seen)
    assert np.array_equal(found, best_items(lambda rows: np.tile(scores, (len(rows), 1)), users, seen, 300))
    assert np.sum(found[4] < 300) == 50
