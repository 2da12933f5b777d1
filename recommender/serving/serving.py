"""How the exported model is called: its signatures, with a default for every input that can be left out."""

import tensorflow as tf

from recommender.serving.permissions import Rules
from recommender.serving.recommender import Recommender, Request, Tensors
from schemas import signatures as names
from schemas.settings import ServingSettings

_STRINGS, _TABLE = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.string)
_TIMES = tf.TensorSpec([None], tf.int64)
_COUNT, _NUMBER, _SWITCH = (tf.TensorSpec([], dtype) for dtype in (tf.int32, tf.float32, tf.bool))


class Served(tf.Module):
    """A recommender with its signatures as functions of plain tensors.

    Loaded in Python, they are methods that take their inputs by name and know the defaults; `signatures` of the loaded
    model want every input. TensorFlow Serving fills in the defaults itself. Inputs of `recommend`, of which all others
    have some:

    - `user_id`, [n] strings.
    - `history_item_id`, [n, any] strings: what the user chose, oldest first, in place of what training knows of them;
      empty strings are padding. By default, or with [0, 0], there is none.
    - `timestamp`, [n] int64 seconds, of the request: with a history, and for models with `request_time`. By default,
      or with [0], that of the latest training event.
    - `k`, [] int32: how many, at most 10,000 more than there are items; 0 or less gives none.
    - `exclude`, [n, any] strings: items not to be shown in that row; empty strings are padding. Default: none.
    - `allow`, `deny` and `genre`, [any] strings, for all rows: only these items; none of these; only items of one of
      these genres. Empty strings are padding. Default, or with nothing else: no such rule.
    - `include_seen`, [] bool: whether items of training events and of the history may come. Default: no.
    - `n_candidates`, [] int32: how many items the first stage hands to the second; at least `k` are.
    - `rating_weight`, [] float32, in [-1e6, 1e6]: the order is by retrieval score + this * predicted rating.
    """

    def __init__(self, recommender: Recommender, settings: ServingSettings):
        """Makes the signatures; the settings hold the defaults of numbers."""
        super().__init__()
        self._recommender = recommender
        nothing, no_rows = tf.constant([], tf.string), tf.constant([], tf.string, [0, 0])
        no_time, no = tf.constant([], tf.int64), tf.constant(False)
        first, all_ = tf.constant(0), tf.constant(tf.int32.max)
        default_k, default_candidates = tf.constant(settings.k), tf.constant(settings.n_candidates)
        default_weight = tf.constant(settings.rating_weight)
        query = [_spec(_STRINGS, names.USER_ID), _spec(_TABLE, names.HISTORY_ITEM_ID), _spec(_TIMES, names.TIMESTAMP)]
        shown = [
            _spec(_COUNT, names.K),
            _spec(_TABLE, names.EXCLUDE),
            *(_spec(_STRINGS, name) for name in (names.ALLOW, names.DENY, names.GENRE)),
        ]
        seen = _spec(_SWITCH, names.INCLUDE_SEEN)
        span = [_spec(_COUNT, names.BEGIN), _spec(_COUNT, names.END)]
        stages = [_spec(_COUNT, names.N_CANDIDATES), _spec(_NUMBER, names.RATING_WEIGHT)]

        @tf.function(input_signature=[*query, *shown, seen, *stages])
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
        ) -> Tensors:
            """The best items for each user.

            Returns:
              `item_id` and `title`, strings, `score`, by which they descend, `retrieval_score` and `rating`, float32,
              each [n, max(k, 0)]; where fewer than k items are left, the row ends in empty ids and titles and zeros.
              `is_known`, [n] bool: whether the user is. `unknown_history`, [n] int32: ids of the history that are not.
            """
            users = recommender.find_users(user_id)
            request = Request(users, history_item_id, timestamp, exclude, Rules(allow, deny, genre))
            return recommender.recommend(request, k, include_seen, n_candidates, rating_weight)

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
            """The first stage alone: as `recommend`, without `retrieval_score`, which is the score, and `rating`."""
            users = recommender.find_users(user_id)
            request = Request(users, history_item_id, timestamp, exclude, Rules(allow, deny, genre))
            return recommender.retrieve(request, k, include_seen)

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
            """`item_id` and `score`, [max(k, 0)] each, of `retrieve` for one user with a history of [any] strings.

            It is there to be converted to TFLite, whose operators it keeps to.
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
            """The items most like each of [n] items, the item itself left out: columns as those of `retrieve`.

            For an unknown item none come. `is_known`, [n] bool: whether the item is.
            """
            return recommender.similar_items(item_id, Rules(allow, deny, genre), exclude, k)

        @tf.function(input_signature=query)
        def embed_users(
            user_id: tf.Tensor, history_item_id: tf.Tensor = no_rows, timestamp: tf.Tensor = no_time
        ) -> Tensors:
            """`embedding`, [n, width] float32, for an index of inner products; `is_known` and `unknown_history`.

            A user who is not known and brings no history has the unknown user's vector, where `recommend` has
            popularity.
            """
            return recommender.embed_users(recommender.find_users(user_id), history_item_id, timestamp)

        @tf.function(input_signature=[_spec(_STRINGS, names.ITEM_ID)])
        def embed_items(item_id: tf.Tensor) -> Tensors:
            """`embedding`, [n, width] float32, zeros for an unknown item, of [n] items; `is_known`, [n] bool."""
            return recommender.embed_items(item_id)

        @tf.function(input_signature=[_spec(_STRINGS, names.USER_ID), _spec(_STRINGS, names.ITEM_ID)])
        def rate(user_id: tf.Tensor, item_id: tf.Tensor) -> Tensors:
            """`rating`, [n] float32, within the scale, predicted for [n] users and as many items."""
            return recommender.rate(user_id, item_id)

        @tf.function(input_signature=span)
        def list_users(begin: tf.Tensor = first, end: tf.Tensor = all_) -> Tensors:
            """The known users, in the same order every time: from `begin` to before `end`, by default all.

            Returns:
              `user_id`, [n] strings, none where the range is beyond the last; `num_users`, [] int32, of all.
            """
            return recommender.list_users(begin, end)

        @tf.function(input_signature=span)
        def list_items(begin: tf.Tensor = first, end: tf.Tensor = all_) -> Tensors:
            """The catalogue, as `list_users`: `item_id` and `title`, [n] strings; `num_items`, [] int32, of all."""
            return recommender.list_items(begin, end)

        @tf.function(input_signature=[_spec(_STRINGS, names.EXAMPLES)])
        def evaluate(examples: tf.Tensor) -> Tensors:
            """Ranks the item of each example among the items that the user has not rated in training.

            Args:
              examples: [n] serialized tf.Examples with the raw features `user_id`, `item_id` and `timestamp`.

            Returns:
              Each [n, 1] float32. `rank` and, by popularity, `popularity_rank`: see `ranks.rank`. `rating`: predicted
              for that time; `bias_rating`: by user and item biases alone.
            """
            return recommender.evaluate(examples)

        self.recommend, self.retrieve, self.similar_items = recommend, retrieve, similar_items
        self.retrieve_on_device = retrieve_on_device
        self.embed_users, self.embed_items, self.rate, self.evaluate = embed_users, embed_items, rate, evaluate
        self.list_users, self.list_items = list_users, list_items

    def signatures(self) -> dict[str, tf.types.experimental.PolymorphicFunction]:
        """By name; `serving_default` is `recommend`."""
        return {
            names.SERVING_DEFAULT: self.recommend,
            names.RECOMMEND: self.recommend,
            names.RETRIEVE: self.retrieve,
            names.RETRIEVE_ON_DEVICE: self.retrieve_on_device,
            names.RATE: self.rate,
            names.SIMILAR_ITEMS: self.similar_items,
            names.EMBED_USERS: self.embed_users,
            names.EMBED_ITEMS: self.embed_items,
            names.EVALUATE: self.evaluate,
            names.LIST_USERS: self.list_users,
            names.LIST_ITEMS: self.list_items,
        }


def _spec(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name)
