import numpy as np
import pytest
import scipy.sparse

from recommender.models.low_rank import decompose, leading_eigenvectors


def test_the_largest_eigenvalues_by_magnitude_come_in_descending_order() -> None:
    """A symmetric matrix with known eigenvalues, one of them negative, and many small ones."""
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0]
    eigenvalues = np.array([9.0, -7.0, 5.0, *np.full(37, 0.1)])
    values, vectors = leading_eigenvectors(
        lambda block: basis @ (eigenvalues[:, np.newaxis] * (basis.T @ block)), 40, 3
    )
    assert values == pytest.approx([9, 5, -7])
    assert np.abs(np.sum(vectors * basis[:, [0, 2, 1]], axis=0)) == pytest.approx(1.0)


def test_a_small_matrix_has_no_more_eigenvectors_than_rows() -> None:
    values, vectors = leading_eigenvectors(lambda block: 2 * block, 3, 8)
    assert values == pytest.approx([2, 2, 2]) and vectors.shape == (3, 3)


@pytest.mark.parametrize("shape", [(60, 30), (30, 60)])
def test_a_decomposition_is_the_best_of_its_rank(shape: tuple[int, int]) -> None:
    """As numpy finds it, where the singular values beyond the rank are far smaller."""
    matrix = np.random.default_rng(1).normal(size=shape) * 0.01
    matrix += np.outer(np.arange(shape[0]), np.ones(shape[1])) + np.outer(np.ones(shape[0]), np.arange(shape[1]) ** 2)
    left, values, right = decompose(scipy.sparse.csr_matrix(matrix), 2)
    first, expected, second = np.linalg.svd(matrix, full_matrices=False)
    assert values == pytest.approx(expected[:2])
    assert (left * values) @ right.T == pytest.approx((first[:, :2] * expected[:2]) @ second[:2], abs=1e-4)
    for vectors in (left, right):
        assert vectors.T @ vectors == pytest.approx(np.eye(2), abs=1e-6)


def test_a_decomposition_goes_on_from_that_of_a_similar_matrix() -> None:
    generator = np.random.default_rng(1)
    left, right = generator.normal(size=(80, 3)), generator.normal(size=(60, 3))
    similar, matrix = (left @ right.T + noise * generator.normal(size=(80, 60)) for noise in (0.3, 0.0))
    near = decompose(scipy.sparse.csr_matrix(similar), 3)[2]
    values = decompose(scipy.sparse.csr_matrix(matrix), 3, near)[1]
    assert values == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[:3])


@pytest.mark.parametrize("rank", [1, 3])
def test_a_decomposition_has_no_more_columns_than_the_rank_of_the_matrix(rank: int) -> None:
    """Equal columns and zeros: nothing is noise, nothing is divided by 0."""
    matrix = np.zeros((6, 5), np.float32)
    matrix[:3, :4] = 1
    left, values, right = decompose(scipy.sparse.csr_matrix(matrix), rank)
    assert values.shape == (1,) and (left * values) @ right.T == pytest.approx(matrix, abs=1e-6)
    left, values, right = decompose(scipy.sparse.csr_matrix(0 * matrix), rank)
    assert values.tolist() == [0] and np.all(np.isfinite([*left, *right]))
