import numpy as np
import pytest
import scipy.sparse

from recommender.models.als import fit_als

REGULARIZATION = 0.0125


def weights(num_users: int = 40, num_items: int = 12) -> np.ndarray:
    generator = np.random.default_rng(3)
    return (generator.random((num_users, num_items)) < 0.3) * generator.integers(1, 4, (num_users, num_items))


def solved(others: np.ndarray, matrix: np.ndarray, unobserved: float) -> np.ndarray:
    """The normal equations of each row, written out."""
    rows = []
    for row in matrix:
        penalty = REGULARIZATION * (np.count_nonzero(row) + unobserved * len(others))
        system = others.T @ (row[:, np.newaxis] * others) + unobserved * others.T @ others
        system += penalty * np.eye(others.shape[1])
        rows.append(np.linalg.solve(system, others.T @ row) if row.any() else np.zeros(others.shape[1]))
    return np.array(rows)


@pytest.mark.parametrize("width", [2, 6])  # both below and above the rows' numbers of events
def test_users_and_items_solve_the_normal_equations(width: int) -> None:
    matrix = weights()
    matrix[5] = 0
    start = np.random.default_rng(0).normal(size=(12, width))
    start *= 0.9 / np.sqrt(np.mean(np.sum(start**2, axis=1)))
    unobserved = 6 * np.count_nonzero(matrix) / matrix.size
    users = solved(start, matrix, unobserved)
    expected = solved(users, matrix.T, unobserved)
    found = fit_als(scipy.sparse.csr_matrix(matrix, dtype=np.float32), start, epochs=1)
    assert found.items == pytest.approx(expected, rel=2e-3, abs=1e-4)


def test_sums_of_history_vectors_order_items_nearly_as_the_users_vectors_do() -> None:
    groups = np.kron(np.eye(4), np.ones((10, 3)))
    matrix = groups * (np.random.default_rng(1).random(groups.shape) < 0.8)
    found = fit_als(scipy.sparse.csr_matrix(matrix, dtype=np.float32), np.linalg.svd(matrix)[2][:4].T, epochs=2)
    scores = matrix @ found.history @ found.items.T
    active = matrix.any(axis=1)
    assert (scores.argmax(axis=1) // 3 == np.arange(40) // 10)[active].all()
