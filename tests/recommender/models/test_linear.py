import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.linear import fit_linear

NUM_USERS, NUM_ITEMS = 30, 8


def catalogue(genres: list[list[int]]) -> Catalogue:
    splits = np.cumsum([0, *(len(row) for row in genres)])
    rows = Ragged(np.array([genre for row in genres for genre in row], np.int32), splits)
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    return Catalogue(NUM_USERS, 3, 0, 0, rows, nothing, nothing)


def ease(matrix: np.ndarray, regularization: float) -> np.ndarray:
    """The published closed form, dense."""
    inverse = np.linalg.inv(matrix.T @ matrix + regularization * np.eye(matrix.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.fixture
def matrix() -> np.ndarray:
    return (np.random.default_rng(2).random((NUM_USERS, NUM_ITEMS)) < 0.3).astype(float)


@pytest.mark.parametrize("content_weight", [0.0, 2.0])
def test_weights_are_those_of_ease_off_the_diagonal(matrix: np.ndarray, content_weight: float) -> None:
    # The last column depends on the others, so that all but one of the singular vectors are all there is.
    matrix[:, 7] = matrix[:, 6]
    genres = [[0], [0, 1], [1], [2], [], [2], [0], [0]]
    users, items = np.nonzero(matrix)
    factors = fit_linear(users, items, catalogue(genres), NUM_ITEMS - 1, 3.0, content_weight)
    kinds = np.array([[float(genre in row) for row in genres] for genre in range(3)])
    scaling = (matrix.sum(axis=0) + 1) ** -0.15
    scaling /= np.sqrt(np.mean(scaling**2))
    expected = ease(np.vstack([matrix, content_weight * kinds]) * scaling, 3.0) * scaling[:, np.newaxis] / scaling
    found = factors.history[:-1] @ factors.items.T
    off = ~np.eye(NUM_ITEMS, dtype=bool)
    assert found[off] == pytest.approx(expected[off], abs=1e-5)
    assert not factors.history[-1].any()


def test_repeats_and_unknown_ones_do_not_count(matrix: np.ndarray) -> None:
    users, items = np.nonzero(matrix)
    nothing = catalogue([[] for _ in range(NUM_ITEMS)])
    plain = fit_linear(users, items, nothing, 3, 2.0, 0.0)
    more = fit_linear(
        np.append(users, [users[0], NUM_USERS, 0]), np.append(items, [items[0], 0, NUM_ITEMS]), nothing, 3, 2.0, 0.0
    )
    assert more.history @ more.items.T == pytest.approx(plain.history @ plain.items.T, abs=1e-6)


def test_content_places_an_item_without_events(matrix: np.ndarray) -> None:
    matrix[:, 0] = 0
    users, items = np.nonzero(matrix)
    factors = fit_linear(users, items, catalogue([[0], [0], [0], [1], [1], [2], [2], [2]]), 6, 2.0, 2.0)
    scores = factors.history[:-1] @ factors.items[0]
    assert min(scores[[1, 2]]) > max(scores[3:])


def test_a_rank_beyond_the_data_is_filled_with_zeros() -> None:
    factors = fit_linear(np.array([0]), np.array([1]), catalogue([[] for _ in range(NUM_ITEMS)]), 50, 1.0, 2.0)
    assert factors.history.shape == (NUM_ITEMS + 1, 50) and factors.items.shape == (NUM_ITEMS, 50)
    assert np.isfinite(factors.history).all() and np.isfinite(factors.items).all()
