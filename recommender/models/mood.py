"""Mood: how far a user's recent ratings are above or below their usual ones."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.models.biases import Biases
from recommender.models.piecewise import PiecewiseLinear

WINDOWS = (60.0, 3_600.0, 86_400.0)
"""Decay times in seconds: a few clicks, a session, a day."""
WINDOW_DAMPING, MEAN_DAMPING = 3.0, 5.0
"""Numbers of events with deviation 0 that are added to a window's mean, and to that of all the user's events."""
_KNOTS = 4
_MOST_ROWS = 200_000
"""Maximum number of events from which the knots of phi are computed."""
_EARLIEST, _NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class Timeline(NamedTuple):
    """Events sorted by user and time, for looking up the latest ones before a time.

    keys: [n] int64, ascending: user * span + time - origin. deviations: [n] float32, of the ratings from the items'
    usual ones. row_splits: [num_users + 2] int64, where each user's events begin and end; the last user is the unknown
    one. first: [num_users + 1] int64, time of each user's first event; for a user without events, the maximum. origin,
    span: time - origin is at least 1 for all events, and span - 1 for the latest.
    """

    keys: np.ndarray
    deviations: np.ndarray
    row_splits: np.ndarray
    first: np.ndarray
    origin: int
    span: int

    @classmethod
    def of(cls, users: np.ndarray, timestamps: np.ndarray, deviations: np.ndarray, num_users: int) -> "Timeline":
        """Takes [n] users in `[0, num_users]`, times and deviations; at least one, sorted by user and time."""
        origin = int(timestamps.min()) - 1
        span = int(timestamps.max()) - origin + 1
        splits = np.searchsorted(users, np.arange(num_users + 2)).astype(np.int64)
        first = np.where(np.diff(splits) > 0, timestamps[np.minimum(splits[:-1], len(users) - 1)], _NEVER)
        keys = users.astype(np.int64) * span + (timestamps - origin)
        return cls(keys, deviations.astype(np.float32), splits, first, origin, span)

    def latest(self, num_events: int) -> "Timeline":
        """Keeps the latest events of each user, which suffice for times after all of them."""
        users = np.repeat(np.arange(len(self.first)), np.diff(self.row_splits))
        kept = self.row_splits[users + 1] - np.arange(len(users)) <= num_events
        splits = np.concatenate([[0], np.cumsum(kept)])[self.row_splits]
        return self._replace(keys=self.keys[kept], deviations=self.deviations[kept], row_splits=splits)


class GivenRatings(NamedTuple):
    """Ratings that come with a request and replace those known from training, of n users, [n, m] each.

    exists: bool, false for padding. items: int32, in `[0, num_items]`. ratings: float32. timestamps: int64, seconds.
    """

    exists: tf.Tensor
    items: tf.Tensor
    ratings: tf.Tensor
    timestamps: tf.Tensor


class Events(NamedTuple):
    """Events of n users, [n, m] each.

    exists: bool, false for padding. timestamps: int64, seconds. deviations: float32, as in `Timeline`.
    """

    exists: tf.Tensor
    timestamps: tf.Tensor
    deviations: tf.Tensor

    def latest(self, timestamps: tf.Tensor, num_events: int) -> "Events":
        """Returns the latest `num_events` up to [n] times, latest first; of the same second, in reverse order."""
        exists = self.exists & (self.timestamps <= timestamps[:, tf.newaxis])
        events = [tf.reverse(column, [1]) for column in (exists, self.timestamps, self.deviations)]
        exists, times, deviations = (tf.pad(column, [[0, 0], [0, num_events]]) for column in events)
        # Of equal numbers, `top_k` returns the first ones first.
        places = tf.math.top_k(tf.where(exists, times, _EARLIEST), num_events).indices
        return Events(*(tf.gather(column, places, batch_dims=1) for column in (exists, times, deviations)))


class RecentRatings(tf.Module):
    """Computes for several windows how far the ratings shortly before a time differ from the user's usual deviation.

    d_w = sum_j exp(-age_j / w) (x_j - m) / (sum_j exp(-age_j / w) + damping), over the user's latest events j up to the
    time, with deviations x_j of damped mean m; and the logarithm of the time since the user's first event, in minutes
    and in days. Koren ("Collaborative Filtering with Temporal Dynamics", 2009) models such drift within a session
    with a bias for each user and day; a function of the earlier ratings also applies to days without training events.
    """

    def __init__(self, timeline: Timeline, num_events: int):
        """Takes the events, and the number of a user's latest ones that count."""
        self._keys = tf.Variable(timeline.keys, trainable=False)
        self._deviations = tf.Variable(timeline.deviations, trainable=False)
        self._row_splits = tf.Variable(timeline.row_splits, trainable=False)
        self._first = tf.Variable(timeline.first, trainable=False)
        self._origin, self._span, self._num_events = timeline.origin, timeline.span, num_events

    def __call__(self, users: tf.Tensor, timestamps: tf.Tensor, given: Events | None = None) -> tf.Tensor:
        """Looks back from the given times.

        Args:
          users: [n] int32, in `[0, num_users]`.
          timestamps: [n] int64, seconds; events in the same second count as earlier, later ones do not count.
          given: [n, any], oldest first; in a row with any, they count instead of the user's events of the timeline.

        Returns:
          [n, number of windows + 2] float32; 0 for the windows of a user without events.
        """
        users = tf.cast(users, tf.int64)
        events, first = self._known(users, timestamps), tf.gather(self._first, users)
        if given is not None:
            is_given = tf.reduce_any(given.exists, axis=1, keepdims=True)
            latest = given.latest(timestamps, self._num_events)
            events = Events(*(tf.where(is_given, *columns) for columns in zip(latest, events, strict=True)))
            given_first = tf.reduce_min(tf.where(given.exists, given.timestamps, _NEVER), axis=1)
            first = tf.minimum(first, given_first)
        counts = tf.cast(events.exists, tf.float32)
        ages = _seconds_between(events.timestamps, timestamps[:, tf.newaxis]) * counts
        deviations = events.deviations * counts
        mean = _damped_mean(counts, deviations, MEAN_DAMPING)
        departures = (deviations - mean[:, tf.newaxis]) * counts
        windows = [_damped_mean(counts * tf.exp(-ages / window), departures, WINDOW_DAMPING) for window in WINDOWS]
        since_first = tf.maximum(_seconds_between(first, timestamps), 0.0)
        return tf.stack([*windows, tf.math.log1p(since_first / 60), tf.math.log1p(since_first / 86_400)], axis=1)

    def has_events(self, users: tf.Tensor) -> tf.Tensor:
        """Returns whether each of [n] int32 users has events, [n] bool."""
        return tf.gather(self._row_splits, users + 1) > tf.gather(self._row_splits, users)

    def _known(self, users: tf.Tensor, timestamps: tf.Tensor) -> Events:
        """Returns the latest events of the timeline up to the times, [n, num_events], latest first."""
        times = tf.clip_by_value(timestamps, self._origin, self._origin + self._span - 1)
        keys = users * self._span + times - self._origin
        ends = tf.searchsorted(self._keys, keys, side="right", out_type=tf.int64)
        places = ends[:, tf.newaxis] - 1 - tf.range(self._num_events, dtype=tf.int64)
        exists, places = places >= tf.gather(self._row_splits, users)[:, tf.newaxis], tf.maximum(places, 0)
        times = tf.gather(self._keys, places) - (users * self._span - self._origin)[:, tf.newaxis]
        return Events(exists, times, tf.gather(self._deviations, places))


def mood_basis(recent_ratings: np.ndarray) -> PiecewiseLinear:
    """Creates phi from `RecentRatings` of the training events, [n, windows + 2]."""
    return PiecewiseLinear(recent_ratings[:: len(recent_ratings) // _MOST_ROWS + 1], _KNOTS)


class Mood(tf.Module):
    """<theta, phi(user, time)>: the effect of the ratings shortly before on the next one."""

    def __init__(self, recent: RecentRatings, basis: PiecewiseLinear, weights: np.ndarray, biases: Biases):
        """Takes the parts of phi, theta, [basis.width], and the biases from which ratings deviate."""
        self._recent, self._basis = recent, basis
        self._weights = np.asarray(weights, np.float32)
        self._mean, self._item_bias = biases.mean, tf.Variable(biases.item, trainable=False)

    def __call__(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        """Returns the mood of [n] users at [n] times, [n] float32, in units of ratings; 0 for users without events.

        A user's given ratings, if any, count instead of those known from training. If they are the same ones in the
        same order, so is the mood, unless the known ones have been reduced to the latest.
        """
        has_events, events = self._recent.has_events(users), None
        if given is not None:
            has_events |= tf.reduce_any(given.exists, axis=1)
            events = Events(given.exists, given.timestamps, self._deviations(given))
        mood = tf.linalg.matvec(self._basis(self._recent(users, timestamps, given=events)), self._weights)
        return tf.where(has_events, mood, 0.0)

    def _deviations(self, given: GivenRatings) -> tf.Tensor:
        return given.ratings - self._mean - tf.gather(self._item_bias, given.items)


def _seconds_between(begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Returns end - begin as float32, of int64, whose difference may be too large for int64."""
    return tf.cast(tf.cast(end, tf.float64) - tf.cast(begin, tf.float64), tf.float32)


def _damped_mean(weights: tf.Tensor, values: tf.Tensor, damping: float) -> tf.Tensor:
    """Returns the damped weighted means of rows, [n]; weights, values: [n, m]."""
    return tf.reduce_sum(weights * values, axis=1) / (tf.reduce_sum(weights, axis=1) + damping)
