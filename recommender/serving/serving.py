"""The signatures of the exported model, with a default for every optional input."""

import tensorflow as tf

from recommender.serving.branches import in_sequence
from recommender.serving.permissions import Rules
from recommender.serving.ratings import Recent
from recommender.serving.recommender import Recommender, Request, Tensors
from schemas import signatures as names
from schemas.settings import ServingSettings

_STRINGS, _TABLE = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.string)
_TIMES = tf.TensorSpec([None], tf.int64)
_RATINGS, _RATING_TIMES = (tf.TensorSpec([None, None], dtype) for dtype in (tf.float32, tf.int64))
_COUNT, _NUMBER, _SWITCH = (tf.TensorSpec([], dtype) for dtype in (tf.int32, tf.float32, tf.bool))


class Served(tf.Module):
    """A recommender with its signatures as functions of plain tensors.

    In a model loaded in Python, they are methods with inputs by name and defaults, while its `signatures` need every
    input. TensorFlow Serving fills in the defaults itself. `recommend` has these inputs, and the other signatures share
    some of them:

    - `user_id`, [n] strings.
    - `history_item_id`, [n, any] strings: items that the user chose, oldest first, instead of those known from
      training; empty strings are padding. Default, also with [0, 0]: no history.
    - `timestamp`, [n] int64 seconds: time of the request. Ratings include the user's mood at that time, which follows
      from the ratings before; retrieval with `request_time` uses it if there is a history. Default, also with [0]: for
      ratings the user's default, for retrieval the time of the latest training event.
    - `k`, [] int32: number of items, at most 10,000 more than the catalogue has; 0 or less returns none.
    - `exclude`, [n, any] strings: items not to be shown in that row; empty strings are padding. Default: none.
    - `allow`, `deny` and `genre`, [any] strings, for all rows: only these items; none of these; only items of one of
      these genres. Empty strings are padding. Default, also with padding alone: no such rule.
    - `include_seen`, [] bool: whether items of training events and of the history may be shown. Default: false.
    - `n_candidates`, [] int32: number of items that the first stage passes to the second; at least `k` are passed.
    - `rating_weight`, [] float32, in [-1e6, 1e6]: items are ordered by retrieval score + this * predicted rating, which
      is that of the user's default here, so that the order does not depend on the user's mood. Unknown users' items are
      ordered by retrieval score. Default: chosen in training.
    - `recent_item_id`, [n, any] strings, `recent_rating`, [n, any] float32, and `recent_timestamp`, [n, any] int64
      seconds, of the same shape: the user's recent ratings, oldest first; empty ids are padding. In a row with any, the
      mood is computed from these instead of the ratings known from training; the latest
      `ranking.bayesian.recent_events` count. Ratings after `timestamp`, which they require, do not count; those in the
      same second do, so the rating to predict must not be among them. Ratings outside the scale count as its ends,
      those of unknown items as of average ones. Default, also with [0, 0] or padding alone: the ratings known from
      training.

    A model of events without ratings has no signatures `rate` and `rate_on_device` and no column `rating`; it orders by
    the retrieval score and ignores `n_candidates`, `rating_weight` and recent ratings. A model of events without times
    ignores `timestamp` and recent ratings. The ranking model "network" ignores recent ratings, and
    user and item biases, where they predict, the time too.
    """

    def __init__(self, recommender: Recommender, settings: ServingSettings):
        """Creates the signatures.

        Args:
          recommender: the recommender.
          settings: the defaults of `k`, `n_candidates` and `rating_weight`; absent, that of the latter is 0.
        """
        super().__init__()
        self._recommender = recommender
        nothing, no_rows = tf.constant([], tf.string), tf.constant([], tf.string, [0, 0])
        no_time, no = tf.constant([], tf.int64), tf.constant(False)
        no_ratings, no_rating_times = tf.zeros([0, 0]), tf.zeros([0, 0], tf.int64)
        first, all_ = tf.constant(0), tf.constant(tf.int32.max)
        default_k, default_candidates = tf.constant(settings.k), tf.constant(settings.n_candidates)
        default_weight = tf.constant(settings.rating_weight or 0.0)
        query = [_spec(_STRINGS, names.USER_ID), _spec(_TABLE, names.HISTORY_ITEM_ID), _spec(_TIMES, names.TIMESTAMP)]
        shown = [
            _spec(_COUNT, names.K),
            _spec(_TABLE, names.EXCLUDE),
            *(_spec(_STRINGS, name) for name in (names.ALLOW, names.DENY, names.GENRE)),
        ]
        seen = _spec(_SWITCH, names.INCLUDE_SEEN)
        rated = [
            _spec(_TABLE, names.RECENT_ITEM_ID),
            _spec(_RATINGS, names.RECENT_RATING),
            _spec(_RATING_TIMES, names.RECENT_TIMESTAMP),
        ]
        span = [_spec(_COUNT, names.BEGIN), _spec(_COUNT, names.END)]
        pair = [_spec(_STRINGS, names.USER_ID), _spec(_STRINGS, names.ITEM_ID)]
        stages = [_spec(_COUNT, names.N_CANDIDATES), _spec(_NUMBER, names.RATING_WEIGHT)]

        @tf.function(input_signature=[*query, *shown, seen, *stages, *rated])
        def recommend(
            user_id: tf.Tensor,
            history_item_id: tf.Tensor = no_rows,
            timestamp: tf.Tensor = no_time,
            k: tf.Tensor = default_k,
            exclude: tf.Tensor = no_rows,
            allow: tf.Tensor = nothing,
            deny: tf.Tensor = nothing,
            genre: tf.Tensor = nothing,
            include_seen: tf.Tensor = no,
            n_candidates: tf.Tensor = default_candidates,
            rating_weight: tf.Tensor = default_weight,
            recent_item_id: tf.Tensor = no_rows,
            recent_rating: tf.Tensor = no_ratings,
            recent_timestamp: tf.Tensor = no_rating_times,
        ) -> Tensors:
            """Returns the best items for each user.

            Returns:
              `item_id` and `title`, strings, `score`, descending, `retrieval_score` and `rating`, float32, each
              [n, max(k, 0)]; if fewer than k items are left, the row is padded with empty ids, empty titles and zeros.
              `is_known`, [n] bool: false for unknown users. `unknown_history`, [n] int32: number of unknown ids in the
              history.
            """
            recent = Recent(recent_item_id, recent_rating, recent_timestamp)

            def answer() -> Tensors:
                users = recommender.find_users(user_id)
                request = Request(users, history_item_id, timestamp, exclude, Rules(allow, deny, genre), recent)
                return recommender.recommend(request, k, include_seen, n_candidates, rating_weight)

            return in_sequence(answer)

        @tf.function(input_signature=[*query, *shown, seen])
        def retrieve(
            user_id: tf.Tensor,
            history_item_id: tf.Tensor = no_rows,
            timestamp: tf.Tensor = no_time,
            k: tf.Tensor = default_k,
            exclude: tf.Tensor = no_rows,
            allow: tf.Tensor = nothing,
            deny: tf.Tensor = nothing,
            genre: tf.Tensor = nothing,
            include_seen: tf.Tensor = no,
        ) -> Tensors:
            """Runs the first stage alone: as `recommend`, without `rating` and `retrieval_score`, which is `score`."""

            def answer() -> Tensors:
                users = recommender.find_users(user_id)
                request = Request(users, history_item_id, timestamp, exclude, Rules(allow, deny, genre))
                return recommender.retrieve(request, k, include_seen)

            return in_sequence(answer)

        @tf.function(
            input_signature=[
                tf.TensorSpec([1], tf.string, names.USER_ID),
                _spec(_STRINGS, names.HISTORY_ITEM_ID),
                _spec(_COUNT, names.K),
            ]
        )
        def retrieve_on_device(
            user_id: tf.Tensor, history_item_id: tf.Tensor = nothing, k: tf.Tensor = default_k
        ) -> Tensors:
            """Returns `item_id` and `score` of `retrieve`, [max(k, 0)] each, for one user and history, [any] strings.

            It is meant for conversion to TFLite, and uses only operators that TFLite has.
            """
            return recommender.retrieve_on_device(user_id, history_item_id, k)

        @tf.function(input_signature=[_spec(_STRINGS, names.ITEM_ID), *shown])
        def similar_items(
            item_id: tf.Tensor,
            k: tf.Tensor = default_k,
            exclude: tf.Tensor = no_rows,
            allow: tf.Tensor = nothing,
            deny: tf.Tensor = nothing,
            genre: tf.Tensor = nothing,
        ) -> Tensors:
            """Returns the items most similar to each of [n] items, without the item itself; columns as of `retrieve`.

            The row of an unknown item is all padding. `is_known`, [n] bool: false for unknown items.
            """
            return recommender.similar_items(item_id, Rules(allow, deny, genre), exclude, k)

        @tf.function(input_signature=query)
        def embed_users(
            user_id: tf.Tensor, history_item_id: tf.Tensor = no_rows, timestamp: tf.Tensor = no_time
        ) -> Tensors:
            """Returns `embedding`, [n, width] float32, for an index of inner products, `is_known`, `unknown_history`.

            An unknown user without a history gets the unknown user's vector, while `recommend` returns popular items.
            """
            return recommender.embed_users(recommender.find_users(user_id), history_item_id, timestamp)

        @tf.function(input_signature=[_spec(_STRINGS, names.ITEM_ID)])
        def embed_items(item_id: tf.Tensor) -> Tensors:
            """Returns `embedding`, [n, width] float32, of [n] items, 0 for unknown ones, and `is_known`, [n] bool."""
            return recommender.embed_items(item_id)

        @tf.function(input_signature=[*pair, _spec(_TIMES, names.TIMESTAMP), *rated])
        def rate(
            user_id: tf.Tensor,
            item_id: tf.Tensor,
            timestamp: tf.Tensor = no_time,
            recent_item_id: tf.Tensor = no_rows,
            recent_rating: tf.Tensor = no_ratings,
            recent_timestamp: tf.Tensor = no_rating_times,
        ) -> Tensors:
            """Returns `rating`, [n] float32, within the scale, predicted for [n] users and [n] items."""
            return recommender.rate(
                user_id, item_id, timestamp, Recent(recent_item_id, recent_rating, recent_timestamp)
            )

        @tf.function(input_signature=pair)
        def rate_on_device(user_id: tf.Tensor, item_id: tf.Tensor) -> Tensors:
            """Returns `rating` of `rate` without a time; meant for conversion to TFLite."""
            return recommender.rate_on_device(user_id, item_id)

        @tf.function(input_signature=span)
        def list_users(begin: tf.Tensor = first, end: tf.Tensor = all_) -> Tensors:
            """Lists the known users from `begin` to before `end`, by default all, always in the same order.

            Returns:
              `user_id`, [n] strings, empty if the range is beyond the last; `num_users`, [] int32, number of all users.
            """
            return recommender.list_users(begin, end)

        @tf.function(input_signature=span)
        def list_items(begin: tf.Tensor = first, end: tf.Tensor = all_) -> Tensors:
            """Lists the catalogue like `list_users`: `item_id`, `title`, [n] strings; `num_items`, [] int32, of all."""
            return recommender.list_items(begin, end)

        self.recommend, self.retrieve, self.similar_items = recommend, retrieve, similar_items
        self.retrieve_on_device = retrieve_on_device
        self.embed_users, self.embed_items = embed_users, embed_items
        if recommender.has_ratings:
            self.rate, self.rate_on_device = rate, rate_on_device
        self.list_users, self.list_items = list_users, list_items

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """Returns the signatures by name; `serving_default` is `recommend`."""
        signatures = {
            names.SERVING_DEFAULT: self.recommend,
            names.RECOMMEND: self.recommend,
            names.RETRIEVE: self.retrieve,
            names.RETRIEVE_ON_DEVICE: self.retrieve_on_device,
            names.SIMILAR_ITEMS: self.similar_items,
            names.EMBED_USERS: self.embed_users,
            names.EMBED_ITEMS: self.embed_items,
            names.LIST_USERS: self.list_users,
            names.LIST_ITEMS: self.list_items,
        }
        if not self._recommender.has_ratings:
            return signatures
        return signatures | {names.RATE: self.rate, names.RATE_ON_DEVICE: self.rate_on_device}


def _spec(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name)
