from datetime import datetime, timezone

import numpy as np
import pytest
import tensorflow as tf

from recommender.models.request_time import RequestTime


def make(form: str, timestamps: list[int], num_buckets: int = 4) -> tuple[RequestTime, np.ndarray]:
    layer = RequestTime([form], np.array(timestamps), num_buckets, 2)
    table = np.random.default_rng(1).normal(size=layer.weights[0].shape).astype(np.float32)
    layer.set_weights([table])
    return layer, table


def test_hour_and_weekday_are_those_of_the_calendar() -> None:
    moments = [datetime(2001, 12, 31, 23, 59, tzinfo=timezone.utc), datetime(1969, 12, 28, 5, tzinfo=timezone.utc)]
    moments.append(datetime(1997, 9, 20, 3, 5, tzinfo=timezone.utc))
    seconds = tf.constant([int(moment.timestamp()) for moment in moments], tf.int64)
    hour, hours = make("hour", [0, 1])
    assert hour(seconds).numpy() == pytest.approx(hours[[moment.hour for moment in moments]])
    weekday, days = make("weekday", [0, 1])
    assert weekday(seconds).numpy() == pytest.approx(days[[moment.weekday() for moment in moments]])


def test_buckets_hold_equal_shares_of_training_and_the_future_falls_into_the_last() -> None:
    layer, table = make("bucket", [10, 20, 30, 40, 50, 60, 70, 80])
    found = layer(tf.constant([-5, 15, 35, 55, 75, 10_000], tf.int64)).numpy()
    assert found == pytest.approx(table[[0, 0, 1, 2, 3, 3]])


def test_normalized_is_between_the_first_and_the_last_training_event() -> None:
    layer, table = make("normalized", [100, 300])
    found = layer(tf.constant([0, 100, 150, 300, 999], tf.int64)).numpy()
    assert found == pytest.approx(np.array([0, 0, 0.25, 1, 1])[:, np.newaxis] * table)
