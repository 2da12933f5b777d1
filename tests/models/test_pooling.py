import numpy as np
import pytest
import tensorflow as tf

from components.models.pooling import HistoryPooling

HISTORY = tf.ragged.constant([[2, 0, 2], [], [1]], dtype=tf.int32)


def make_pooling(dropout: float = 0.0) -> tuple[HistoryPooling, np.ndarray]:
    pooling = HistoryPooling(3, 2, dropout)
    table = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32)
    pooling.set_weights([table])
    return pooling, table


def test_pools_by_the_square_root_of_the_number_of_events() -> None:
    pooling, table = make_pooling()
    expected = [(2 * table[2] + table[0]) / 3**0.5, [0, 0], table[1]]
    assert pooling(HISTORY).numpy() == pytest.approx(np.array(expected))


def test_weights_multiply_vectors() -> None:
    pooling, table = make_pooling()
    weights = HISTORY.with_flat_values(tf.constant([1.0, -2.0, 0.5, 3.0]))
    expected = [(1.5 * table[2] - 2 * table[0]) / 3**0.5, [0, 0], 3 * table[1]]
    assert pooling(HISTORY, weights).numpy() == pytest.approx(np.array(expected))


def test_dropout_leaves_events_out_and_norms_count_the_rest() -> None:
    tf.keras.utils.set_random_seed(1)
    pooling, table = make_pooling(dropout=0.5)
    long = tf.RaggedTensor.from_row_lengths(tf.ones([10_000], tf.int32), [10_000])
    # n of 10,000 events are kept, and n vectors divided by the square root of n are the square root of n vectors.
    kept = (pooling(long, training=True).numpy()[0] / table[1]) ** 2
    assert kept == pytest.approx([5_000, 5_000], rel=0.05)
