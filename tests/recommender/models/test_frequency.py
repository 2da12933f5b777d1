import numpy as np
import pytest
import tensorflow as tf

from recommender.models.frequency import CountedFrequency


def test_counted_is_the_probability_of_at_least_one() -> None:
    frequency = CountedFrequency(np.array([6, 3, 1, 0]))
    found = frequency(tf.range(4), tf.constant([0, 0, 1])).numpy()
    assert found == pytest.approx([1 - 0.4**3, 1 - 0.7**3, 1 - 0.9**3, 0], abs=1e-6)
