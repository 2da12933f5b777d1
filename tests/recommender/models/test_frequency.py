import numpy as np
import pytest
import tensorflow as tf

from recommender.models.frequency import CountedFrequency, StreamingFrequency


def test_counted_is_the_probability_of_at_least_one() -> None:
    frequency = CountedFrequency(np.array([6, 3, 1, 0]))
    found = frequency(tf.range(4), tf.constant([0, 0, 1])).numpy()
    assert found == pytest.approx([1 - 0.4**3, 1 - 0.7**3, 1 - 0.9**3, 0], abs=1e-6)


def test_streaming_by_hand() -> None:
    frequency = StreamingFrequency(2, first_gap=10.0)
    both, first = tf.constant([0, 1]), tf.constant([0, 0])
    # Batch 1 holds both, a gap of 1; batches 2 and 3 hold item 0 alone; batch 4 holds item 1 again, a gap of 3.
    gap0 = gap1 = 0.95 * 10 + 0.05 * 1
    frequency(both, both, training=True)
    for _ in range(2):
        frequency(both, first, training=True)
        gap0 = 0.95 * gap0 + 0.05 * 1
    frequency(both, tf.constant([1]), training=True)
    gap1 = 0.95 * gap1 + 0.05 * 3
    assert frequency(both, both).numpy() == pytest.approx([1 / gap0, 1 / gap1])


def test_streaming_finds_the_true_frequency_and_stands_still_outside_of_training() -> None:
    rng = np.random.default_rng(0)
    frequency = StreamingFrequency(3, first_gap=1.0)
    step = tf.function(lambda items: frequency(tf.range(3), items, training=True))
    for _ in range(300):
        step(tf.constant([0] + [1] * bool(rng.random() < 0.25), tf.int32))
    before = frequency(tf.range(3), tf.constant([2])).numpy()
    assert before[0] == pytest.approx(1.0, abs=0.01)
    assert 0.15 < before[1] < 0.4
    assert frequency(tf.range(3), tf.constant([2])).numpy().tolist() == before.tolist()
