"""Ratings within the scale: by each user's default, or at the time of a request."""

from typing import NamedTuple, Protocol

import tensorflow as tf

from recommender.models.mood import GivenRatings
from recommender.serving.branches import choose
from recommender.serving.lookup import find, refused_unless, rows_of
from schemas import signatures as names


class Rater(Protocol):
    """A `tf.Module` that predicts ratings."""

    def moments(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        """Returns what ratings depend on besides user and item, [n, ...], for [n] users at [n] int64 seconds.

        Recent ratings that are given count instead of those known from training.
        """

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        """Returns ratings, not clipped, of users and items at moments, or by the users' defaults.

        Users and items are [n], moments [n, ...]. Without moments, users may also be [n, 1] and items [n, m].
        """


class Recent(NamedTuple):
    """The recent ratings of a batch of users, [n, any] or [0, 0] each.

    item_id: strings, empty for padding. rating: float32. timestamp: int64, seconds.
    """

    item_id: tf.Tensor
    rating: tf.Tensor
    timestamp: tf.Tensor


class Ratings(tf.Module):
    """Ratings within the scale."""

    def __init__(
        self,
        rater: Rater,
        scale: tuple[float, float],
        item_index: tf.lookup.StaticHashTable,
        has_times: bool,
    ):
        """Takes the fitted parts, see `Parts`, and whether ratings depend on the time of the request."""
        super().__init__()
        self._rater, self._scale = rater, scale
        self._item_index, self._has_times = item_index, has_times

    def rate(self, users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Returns the ratings, [n] or [n, m], of [n] users and items, or of [n, 1] and [n, m], by users' defaults."""
        return self._clip(self._rater.rate(users, items))

    def rate_at(
        self, users: tf.Tensor, items: tf.Tensor, default: tf.Tensor, timestamp: tf.Tensor, recent: Recent
    ) -> tf.Tensor:
        """Returns the ratings, [n, k], of [n] users for [n, k] items at the time of the request.

        Args:
          users: [n] int32.
          items: [n, k] int32.
          default: [n, k] float32, the result if the request has no time or no event of training has one.
          timestamp: [n] or [0] int64, seconds.
          recent: the users' recent ratings, which need the time of the request.
        """
        if not self._has_times:
            return default
        has_time = (tf.size(timestamp) > 0) | tf.reduce_any(recent.item_id != "")
        return choose(has_time, lambda: self._rate_at(users, items, timestamp, recent), lambda: default)

    def _rate_at(self, users: tf.Tensor, items: tf.Tensor, timestamp: tf.Tensor, recent: Recent) -> tf.Tensor:
        num_rows, k = tf.unstack(tf.shape(items))
        message = f"`{names.RECENT_ITEM_ID}` needs the time of the request, `{names.TIMESTAMP}`; its rows, batch:"
        with refused_unless(tf.size(timestamp) > 0, message, tf.size(timestamp), num_rows):
            timestamps = rows_of(timestamp[:, tf.newaxis], num_rows, names.TIMESTAMP)[:, 0]
        moments = self._rater.moments(users, timestamps, self._given(recent, num_rows))
        # The moments are those of users, so each is computed once, not once for each item.
        rows = tf.repeat(tf.range(num_rows), k)
        raters, moments = tf.gather(users, rows), tf.gather(moments, rows)
        ratings = self._rater.rate(raters, tf.reshape(items, [-1]), moments)
        return self._clip(tf.reshape(ratings, tf.shape(items)))

    def _given(self, recent: Recent, num_rows: tf.Tensor) -> GivenRatings:
        columns = names.RECENT_ITEM_ID, names.RECENT_RATING, names.RECENT_TIMESTAMP
        ids, ratings, timestamps = (
            rows_of(column, num_rows, name) for column, name in zip(recent, columns, strict=True)
        )
        widths = [tf.shape(column)[1] for column in (ids, ratings, timestamps)]
        message = f"{', '.join(f'`{name}`' for name in columns)} must have the same shape; values in each row:"
        with refused_unless(tf.reduce_all(tf.equal(widths, widths[0])), message, *widths):
            exists = ids != ""
            is_wrong = exists & tf.math.is_nan(ratings)
        message = f"`{names.RECENT_RATING}` must be numbers; number of NaN:"
        with refused_unless(~tf.reduce_any(is_wrong), message, tf.math.count_nonzero(is_wrong)):
            ratings = tf.where(exists, self._clip(ratings), 0.0)
        return GivenRatings(exists, find(self._item_index, ids), ratings, timestamps)

    def _clip(self, ratings: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(ratings, *self._scale)
