import numpy as np
import pytest
import tensorflow as tf

from recommender.models import recent_ratings
from recommender.models.biases import Biases
from recommender.models.mood import (
    Events,
    GivenRatings,
    Mood,
    RecentRatings,
    Timeline,
    mood_basis,
)
from recommender.models.piecewise import PiecewiseLinear
from recommender.models.recent_ratings import recent_ratings_of_events

WINDOWS = (60.0, 3_600.0, 86_400.0)


def make_timeline(seed: int = 0, num_events: int = 400, num_users: int = 6) -> tuple[np.ndarray, np.ndarray, Timeline]:
    """Users (none of them the last), times with many ties, and their timeline."""
    generator = np.random.default_rng(seed)
    users = generator.integers(0, num_users - 1, num_events)
    times = 1_000_000 + generator.integers(0, 50, num_events) * generator.integers(1, 4_000, num_events)
    order = np.lexsort((times, users))
    users, times = users[order].astype(np.int32), times[order]
    return users, times, Timeline.of(users, times, generator.normal(size=num_events), num_users)


def oracle(times: list[int], values: list[float], now: int, first: int) -> list[float]:
    """As the docstring of `RecentRatings` has it; `times` and `values` of the events that count."""
    mean = sum(values) / (len(values) + 5)
    found = []
    for window in WINDOWS:
        weights = [np.exp(-(now - time) / window) for time in times]
        departures = [weight * (value - mean) for weight, value in zip(weights, values, strict=True)]
        found.append(sum(departures) / (sum(weights) + 3))
    return [*found, np.log1p((now - first) / 60), np.log1p((now - first) / 86_400)]


def test_by_hand() -> None:
    # The second event, a minute after the first, whose deviation is 1 from the mean of 1.2 / 6, weighted by exp(-1).
    timeline = Timeline.of(np.array([0, 0]), np.array([0, 60]), np.array([1.2, -9.0]), 1)
    found = recent_ratings_of_events(timeline, 10)
    assert found[0] == pytest.approx([0, 0, 0, 0, 0])
    assert found[1, 0] == pytest.approx(np.exp(-1) / (np.exp(-1) + 3))
    assert found[1, 1] == pytest.approx(np.exp(-1 / 60) / (np.exp(-1 / 60) + 3))
    assert found[1, 3:] == pytest.approx([np.log(2), np.log1p(60 / 86_400)])


@pytest.mark.parametrize("num_events", [3, 1_000])
def test_events_see_the_latest_before_or_with_them_but_never_themselves(
    monkeypatch: pytest.MonkeyPatch, num_events: int
) -> None:
    monkeypatch.setattr(recent_ratings, "_EVENTS_AT_ONCE", 150)
    users, times, timeline = make_timeline()
    found = recent_ratings_of_events(timeline, num_events)
    for k, (user, now) in enumerate(zip(users, times, strict=True)):
        before = [j for j in np.flatnonzero((users == user) & (times <= now)) if j != k][-num_events:]
        values = [float(timeline.deviations[j]) for j in before]
        expected = oracle([int(times[j]) for j in before], values, now, times[users == user].min())
        assert found[k] == pytest.approx(expected, abs=1e-4)


def test_an_events_own_rating_is_not_given_away() -> None:
    _, _, timeline = make_timeline()
    found = recent_ratings_of_events(timeline, 50)
    for own in (0, 17, 399):
        changed = timeline.deviations.copy()
        changed[own] += 3
        again = recent_ratings_of_events(timeline._replace(deviations=changed), 50)
        assert again[own] == pytest.approx(found[own], abs=1e-6)
        assert own == 399 or not np.array_equal(again, found)  # the very last event is seen by none


@pytest.mark.parametrize("kept", [True, False])
def test_requests_see_the_latest_before_them(kept: bool) -> None:
    users, times, timeline = make_timeline()
    after = int(times.max())
    recent = RecentRatings(timeline if kept else timeline.latest(20), 20)
    queries = [(user, after + wait) for user in range(5) for wait in (0, 7, 100_000)]
    if kept:  # nothing has been left out: earlier requests are possible, and later ones see no event after them
        queries += [(user, now) for user in range(5) for now in (0, 999_999, 1_030_000, 1_100_000)]
    asked, at = np.array(queries).T
    found = tf.function(recent)(tf.constant(asked, tf.int32), tf.constant(at, tf.int64))
    for (user, now), row in zip(queries, found.numpy(), strict=True):
        before = np.flatnonzero((users == user) & (times <= now))[-20:]
        first = min(times[users == user].min(), now)
        assert row == pytest.approx(
            oracle(list(times[before]), list(timeline.deviations[before]), now, first), abs=1e-4
        )


def test_requests_right_after_training_are_like_one_more_event() -> None:
    users, times, timeline = make_timeline()
    more = [np.append(column, value) for column, value in ((users, 4), (times, times.max() + 60))]
    expected = recent_ratings_of_events(Timeline.of(*more, np.append(timeline.deviations, 9.0), 6), 200)[-1]
    recent = RecentRatings(timeline, 200)
    found = recent(tf.constant([4]), tf.constant([times.max() + 60], tf.int64))
    assert found.numpy()[0] == pytest.approx(expected, abs=1e-5)


def test_users_without_events_are_in_no_mood() -> None:
    _, _, timeline = make_timeline()
    found = recent_ratings_of_events(timeline, 20)
    basis = mood_basis(found)
    biases = Biases(0.0, np.zeros(1, np.float32), np.zeros(1, np.float32))
    mood = Mood(RecentRatings(timeline, 20), basis, np.ones(basis.width), biases)
    moods = mood(tf.constant([0, 5, 6]), tf.constant([2_000_000] * 3, tf.int64)).numpy()
    assert moods[0] != 0 and list(moods[1:]) == [0, 0]


def test_given_events_by_hand() -> None:
    """As the events of `test_by_hand`: padding and events after the time do not count, those of the same second do."""
    timeline = Timeline.of(np.array([0]), np.array([7]), np.array([3.0]), 1)
    events = Events(
        exists=tf.constant([[False, True, True], [True, True, True], [False, False, False]]),
        timestamps=tf.constant([[90, 100, 161], [160, 160, 90], [0, 0, 0]], tf.int64),
        deviations=tf.constant([[8.0, 1.2, 8.0], [1.0, 2.0, 9.0], [8.0, 8.0, 8.0]]),
    )
    users, times = tf.constant([1, 1, 0]), tf.constant([160, 160, 67], tf.int64)
    found = RecentRatings(timeline, 2)(users, times, given=events).numpy()
    # Of the first row, only the event of a minute ago counts, and of the second, only the two of this second.
    assert found[0] == pytest.approx(oracle([100], [1.2], 160, 100), abs=1e-6)
    assert found[1] == pytest.approx(oracle([160, 160], [1.0, 2.0], 160, 90), abs=1e-6)
    assert found[2] == pytest.approx(oracle([7], [3.0], 67, 7), abs=1e-6)


@pytest.mark.parametrize("num_events", [3, 1_000])
def test_given_ratings_equal_to_the_known_ones_change_nothing(num_events: int) -> None:
    users, times, _ = make_timeline()
    generator = np.random.default_rng(5)
    items, ratings = generator.integers(0, 30, len(users)), generator.integers(1, 6, len(users)).astype(np.float32)
    biases = Biases(3.3, np.zeros(7, np.float32), np.append(generator.normal(size=30), 0.0).astype(np.float32))
    timeline = Timeline.of(users, times, ratings - biases.mean - biases.item[items], 6)
    basis = mood_basis(recent_ratings_of_events(timeline, num_events))
    mood = Mood(RecentRatings(timeline, num_events), basis, generator.normal(size=basis.width), biases)
    asked, at = (axis.ravel() for axis in np.meshgrid(np.arange(6), [0, *times[::40], times.max() + 5]))
    known, width = mood(tf.constant(asked, tf.int32), tf.constant(at)), np.bincount(users).max() + 2
    rows = [np.flatnonzero(users == user) for user in asked]
    padded = [np.pad(row + 1, (width - len(row), 0)) for row in rows]
    exists, items, ratings, moments = (np.append(0, c)[padded] for c in (users >= 0, items, ratings, times))
    given = GivenRatings(
        exists=tf.constant(exists, tf.bool),
        items=tf.constant(items, tf.int32),
        ratings=tf.constant(ratings, tf.float32),
        timestamps=tf.constant(moments),
    )
    assert np.array_equal(mood(tf.constant(asked, tf.int32), tf.constant(at), given), known)
    assert len(np.unique(known)) > 50
    # An unknown user who brings the same ratings is in the same mood.
    unknown = tf.where(tf.reduce_any(given.exists, axis=1), 6, asked)
    assert np.array_equal(mood(unknown, tf.constant(at), given), known)
    changed = mood(tf.constant(asked, tf.int32), tf.constant(at), given._replace(ratings=given.ratings[:, ::-1]))
    assert np.count_nonzero(changed.numpy() != known) > 40


def test_piecewise_linear_by_hand() -> None:
    # One knot at the median, 2: columns x and max(0, x - 2), less their means 2 and 2/3, by their deviations.
    sample = np.array([[0.0], [2.0], [4.0]])
    basis = PiecewiseLinear(sample, 1)
    deviations = np.std([0, 2, 4]), np.std([0, 0, 2])
    expected = [[(1 - 2) / deviations[0], -2 / 3 / deviations[1]], [(4 - 2) / deviations[0], 4 / 3 / deviations[1]]]
    assert basis(tf.constant([[1.0], [9.0]])).numpy() == pytest.approx(np.array(expected), abs=1e-5)


def test_what_never_varies_says_nothing() -> None:
    basis = PiecewiseLinear(np.array([[1.0, 0.0], [1.0, 1.0]]), 2)
    columns = basis(tf.constant([[5.0, 0.0], [0.0, 1.0]])).numpy()
    assert not columns[:, ::2].any() and columns[:, 1].any()
    constant = PiecewiseLinear(np.zeros((3, 2)), 2)
    assert not constant(tf.constant([[5.0, 1.0]])).numpy().any()
