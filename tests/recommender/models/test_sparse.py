import numpy as np
import pytest
import tensorflow as tf

from recommender.models.sparse import sparse_dense_product


@pytest.mark.parametrize("columns", [0, 1, 31, 32, 70])
def test_it_is_the_product_and_has_its_gradients(columns: int) -> None:
    random = np.random.default_rng(3)
    dense = random.normal(size=(4, 6)) * (random.random((4, 6)) < 0.5)
    cells = np.argwhere(dense)
    right = random.normal(size=(6, columns))
    wanted = random.normal(size=(4, columns))  # the derivative of a sum of these multiples is what is multiplied
    entries, factors = tf.Variable(dense[dense != 0], dtype=tf.float32), tf.Variable(right, dtype=tf.float32)
    with tf.GradientTape() as tape:
        product = sparse_dense_product(tf.SparseTensor(cells, entries, dense.shape), factors)
        total = tf.reduce_sum(product * wanted.astype(np.float32))
    by_entries, by_factors = tape.gradient(total, [entries, factors])
    np.testing.assert_allclose(product, dense @ right, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_factors, dense.T @ wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_entries, (wanted @ right.T)[dense != 0], rtol=1e-4, atol=1e-5)
