import numpy as np
import pytest
import tensorflow as tf

from recommender.models import pooling

HISTORY = tf.ragged.constant([[2, 0, 2], [], [1]], dtype=tf.int32, row_splits_dtype=tf.int64)
VECTORS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


def test_pools_by_the_square_root_of_the_number_of_events() -> None:
    expected = [(2 * VECTORS[2] + VECTORS[0]) / 3**0.5, [0, 0], VECTORS[1]]
    assert pooling.sum_pooling(tf.constant(VECTORS), HISTORY).numpy() == pytest.approx(np.array(expected))


def test_weights_multiply_vectors_and_their_length_divides() -> None:
    weights = HISTORY.with_flat_values(tf.constant([1.0, -2.0, 2.0, 3.0]))
    expected = [(3 * VECTORS[2] - 2 * VECTORS[0]) / 3, [0, 0], VECTORS[1]]
    assert pooling.sum_pooling(tf.constant(VECTORS), HISTORY, weights).numpy() == pytest.approx(np.array(expected))


def test_dropped_events_are_a_share_of_all() -> None:
    tf.keras.utils.set_random_seed(1)
    long = tf.RaggedTensor.from_row_lengths(tf.range(10_000), tf.constant([10_000], tf.int64))
    kept = pooling.drop_events(long, 0.3).flat_values.numpy()
    assert len(kept) == pytest.approx(7_000, rel=0.05)
    assert (np.diff(kept) > 0).all()


def test_weights_of_places_decay_from_the_latest_event_backwards() -> None:
    weights = pooling.place_weights(HISTORY, 2.0).to_list()
    assert weights == [[pytest.approx(np.exp(-1)), pytest.approx(np.exp(-0.5)), 1.0], [], [1.0]]


def test_a_weighted_sum_is_not_divided_by_anything() -> None:
    weights = HISTORY.with_flat_values(tf.constant([1.0, 2.0, 0.5, 3.0]))
    expected = [VECTORS[2] + 2 * VECTORS[0] + 0.5 * VECTORS[2], 0 * VECTORS[0], 3 * VECTORS[HISTORY[2, 0]]]
    assert pooling.weighted_sum(tf.constant(VECTORS), HISTORY, weights).numpy() == pytest.approx(np.array(expected))
