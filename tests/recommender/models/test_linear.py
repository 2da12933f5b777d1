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
    spectrum = fit_linear(users, items, np.full(len(users), 7.0), catalogue(genres), NUM_ITEMS - 1, content_weight)
    factors = spectrum.factors(3.0)
    kinds = np.array([[float(genre in row) for row in genres] for genre in range(3)])
    scaling = (matrix.sum(axis=0) + 1) ** -0.15
    scaling /= np.sqrt(np.mean(scaling**2))
    expected = ease(np.vstack([matrix, content_weight * kinds]) * scaling, 3.0) * scaling[:, np.newaxis] / scaling
    found = factors.history[:-1] @ factors.items.T
    off = ~np.eye(NUM_ITEMS, dtype=bool)
    assert found[off] == pytest.approx(expected[off], abs=1e-5)
    assert not factors.history[-1].any()


def product(users: np.ndarray, items: np.ndarray, weights: np.ndarray | None = None, rank: int = 3) -> np.ndarray:
    """The weights from item to item, without content."""
    weights, nothing = np.ones(len(users)) if weights is None else weights, catalogue([[] for _ in range(NUM_ITEMS)])
    factors = fit_linear(users, items, weights, nothing, rank, 0.0).factors(2.0)
    return factors.history[:-1] @ factors.items.T


def test_unknown_users_and_items_do_not_count(matrix: np.ndarray) -> None:
    users, items = np.nonzero(matrix)
    users, items = np.append(users, [NUM_USERS, 0]), np.append(items, [0, NUM_ITEMS])
    assert product(users, items, np.ones(len(users))) == pytest.approx(product(users[:-2], items[:-2]), abs=1e-6)


def test_an_entry_is_the_square_root_of_the_pairs_weight_over_the_mean(matrix: np.ndarray) -> None:
    matrix[:, 7] = matrix[:, 6]  # as above: all but one of the singular vectors are all there is
    weighted = matrix * np.arange(1, NUM_USERS + 1)[:, np.newaxis]
    users, items = np.nonzero(matrix)
    halves = np.tile(weighted[users, items] / 2, 2)
    found = product(np.tile(users, 2), np.tile(items, 2), 10 * halves, rank=NUM_ITEMS - 1)
    scaling = (matrix.sum(axis=0) + 1) ** -0.15
    scaling /= np.sqrt(np.mean(scaling**2))
    entries = np.sqrt(weighted / weighted[users, items].mean())
    expected = ease(entries * scaling, 2.0) * scaling[:, np.newaxis] / scaling
    off = ~np.eye(NUM_ITEMS, dtype=bool)
    assert found[off] == pytest.approx(expected[off], abs=1e-5)


def test_content_places_an_item_without_events(matrix: np.ndarray) -> None:
    matrix[:, 0] = 0
    users, items = np.nonzero(matrix)
    genres = catalogue([[0], [0], [0], [1], [1], [2], [2], [2]])
    factors = fit_linear(users, items, np.ones(len(users)), genres, 6, 2.0).factors(2.0)
    scores = factors.history[:-1] @ factors.items[0]
    assert min(scores[[1, 2]]) > max(scores[3:])


def test_a_rank_beyond_the_data_is_filled_with_zeros() -> None:
    nothing = catalogue([[] for _ in range(NUM_ITEMS)])
    factors = fit_linear(np.array([0]), np.array([1]), np.ones(1), nothing, 50, 2.0).factors(1.0)
    assert factors.history.shape == (NUM_ITEMS + 1, 50) and factors.items.shape == (NUM_ITEMS, 50)
    assert np.isfinite(factors.history).all() and np.isfinite(factors.items).all()
