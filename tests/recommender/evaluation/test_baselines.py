import math

import numpy as np

from recommender.evaluation.baselines import popularity, recency_popularity, recent_events
from small_interactions import interactions

DAY = 86_400


def test_popularity_counts_events_and_the_decay_prefers_recent_ones() -> None:
    events = interactions([0, 1, 2, 3], [0, 0, 0, 1], None, np.array([0, 0, 0, 10]) * DAY, num_items=3)
    assert popularity(events).order.tolist() == [0, 1, 2]
    # 3 * exp(-10 / 5) = 0.41 < 1 < 3 * exp(-10 / 10) = 1.1
    assert popularity(events, days=5).order.tolist() == [1, 0, 2]
    assert popularity(events, days=10).order.tolist() == [0, 1, 2]
    # Where all sums have vanished, the number of events decides.
    assert popularity(events, days=1e-3).order.tolist() == [1, 0, 2]


def test_lists_leave_out_what_users_have_seen() -> None:
    events = interactions([0, 1, 1, 2], [0, 0, 1, 2], None, None)
    assert popularity(events).lists(np.array([1, 3]), events.items)[:, :3].tolist() == [[2, 3, 3], [0, 1, 2]]


def _drifting(is_drifting: bool):
    """200 users, one after the other, choose 5 of 10 items, which change every 50 users, or of 40 of fixed weights."""
    rng = np.random.default_rng(0)
    user, weights = np.repeat(np.arange(200), 5), 1 / np.arange(1, 41)
    if is_drifting:
        item = np.concatenate([rng.choice(10, 5, replace=False) for _ in range(200)]) + 10 * (user // 50)
    else:
        item = np.concatenate([rng.choice(40, 5, replace=False, p=weights / weights.sum()) for _ in range(200)])
    return interactions(user, item, None, (user * DAY).astype(np.int64), num_items=40)


def test_the_decay_follows_the_log() -> None:
    found = recency_popularity(_drifting(True), seed=0)
    assert found.days < 50 and set(found.order[:10]) == set(range(30, 40))
    assert recency_popularity(_drifting(False), seed=0).days > 50


def test_without_times_it_is_plain_popularity() -> None:
    events = interactions([0, 1, 2], [0, 0, 1], None, None)
    found = recency_popularity(events, seed=0)
    assert math.isinf(found.days) and found.order.tolist() == [0, 1]


def test_events_that_are_too_old_for_a_normal_float32_count_nothing() -> None:
    """TensorFlow would order items with smaller numbers as if these were 0, and numpy would not."""
    events = interactions([0, 0, 1], [0, 1, 2], None, np.array([0, 40, 100]) * DAY)
    vanished, old, latest = recent_events(events, 1.0)
    assert vanished == 0 and latest == 3
    assert abs(old / (3 * np.exp(-60)) - 1) < 1e-5
    assert 0 < 3 * np.exp(-100) < np.finfo(np.float32).tiny
