import numpy as np
import pytest
import scipy.sparse

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.linear import decompose_linear, place_by_content, user_item_matrix

NUM_USERS, NUM_ITEMS = 30, 8


def catalogue(genres: list[list[int]]) -> Catalogue:
    splits = np.cumsum([0, *(len(row) for row in genres)])
    rows = Ragged(np.array([genre for row in genres for genre in row], np.int32), splits)
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    return Catalogue(NUM_USERS, 3, 0, 0, rows, nothing, nothing)


NO_CONTENT = catalogue([[] for _ in range(NUM_ITEMS)])


@pytest.fixture
def matrix() -> np.ndarray:
    return (np.random.default_rng(2).random((NUM_USERS, NUM_ITEMS)) < 0.3).astype(np.float32)


def test_entries_are_the_sums_of_weights_over_their_mean() -> None:
    user, item = np.array([0, 0, 1, NUM_USERS, 2]), np.array([1, 1, 3, 0, NUM_ITEMS])
    events = Interactions.of(user, item, None, None, NUM_USERS, NUM_ITEMS, weight=np.array([1.0, 2.0, 1.0, 9.0, 9.0]))
    found = user_item_matrix(events).toarray()
    assert (found[0, 1], found[1, 3]) == (1.5, 0.5) and np.count_nonzero(found) == 2


@pytest.mark.parametrize("popularity", [0.6, 1.0])
def test_scores_are_projections_of_the_scaled_rows(matrix: np.ndarray, popularity: float) -> None:
    found = decompose_linear(scipy.sparse.csr_matrix(4 * matrix), NO_CONTENT, 3, 2.0).factors(3, popularity)
    scaling = (matrix.sum(axis=0) + 3) ** -0.4
    rows = (matrix.sum(axis=1, keepdims=True) + 3) ** -0.3
    vectors = np.linalg.svd(2 * matrix * rows * scaling)[2][:3].T  # entries are the roots of the weights
    expected = (scaling[:, np.newaxis] * vectors) @ (vectors.T / scaling**popularity)
    assert found.history[:-1] @ found.items.T == pytest.approx(expected, abs=2e-2)
    assert not found.history[-1].any()


def test_content_places_an_item_without_events(matrix: np.ndarray) -> None:
    matrix[:, 0] = 0
    genres = catalogue([[0], [0], [0], [1], [1], [2], [2], [2]])
    factors = decompose_linear(scipy.sparse.csr_matrix(matrix), genres, 3, 2.0).factors(3, 1.0)
    scores = factors.history[:-1] @ factors.items[0]
    assert min(scores[[1, 2]]) > max(scores[3:])


def test_a_rank_beyond_the_data_is_filled_with_zeros(matrix: np.ndarray) -> None:
    factors = decompose_linear(scipy.sparse.csr_matrix(matrix), NO_CONTENT, 50, 2.0).factors(50, 1.0)
    assert factors.history.shape == (NUM_ITEMS + 1, 50) and factors.items.shape == (NUM_ITEMS, 50)
    assert np.isfinite(factors.history).all() and np.isfinite(factors.items).all()


def test_new_items_are_placed_near_those_with_the_same_content() -> None:
    vectors = np.array([[0, 0], [4, 0], [4, 0], [0, 8], [0, 8], [0, 8], [0, 0], [2, 2]], np.float32)
    is_new = np.arange(NUM_ITEMS) % 6 == 0
    found = place_by_content(vectors, is_new, catalogue([[0], [0], [0], [1], [1], [1], [1], []]))
    assert found[0, 0] > found[0, 1] and found[6, 1] > found[6, 0]
    assert (found[~is_new] == vectors[~is_new]).all()
