"""The exported model: lookups, vectors and stock TensorFlow operators; loading it needs TensorFlow only."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from recommender.interactions.ragged import Ragged
from recommender.models.biases import Biases
from recommender.serving import on_device
from recommender.serving.branches import choose, in_sequence
from recommender.serving.lookup import (
    cells_of,
    find,
    index,
    known_items,
    latest,
    refused_unless,
    rows_of,
)
from recommender.serving.permissions import Permissions, Rules, remove
from recommender.serving.ratings import Rater, Ratings, Recent
from schemas import signatures as names

Tensors = dict[str, tf.Tensor]


class QueryEncoder(Protocol):
    """Encodes queries with histories. query_variables: all variables that `encode_queries` reads."""

    query_variables: list[tf.Variable]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes [n] users, [n, (events)] items and [n] seconds as [n, width] float32."""


class Parts(NamedTuple):
    """The parts of the exported model.

    users, items, genres: ids and names (bytes) by index. titles: [num_items] bytes. item_genres: [num_items] rows of
    indices. fallback: [num_items] float32, scores for unknown users without a history. seen: [num_users + 1] rows, the
    items of each user's training events. queries: [num_users + 1, width] float32, of users with their histories.
    candidates: [num_items, width] float32. similar_queries, similar_candidates: [num_items, any width] float32, vectors
    of query items and of candidates, whose products score their similarity. encoder: encodes the queries of histories,
    of which it takes the latest `history_length` items. now: seconds, the default time of a request; None if no event
    has a time. biases: the baseline of ratings, which is not exported. scale: lowest and highest rating. rater, biases
    and scale are None if no event has a rating.
    """

    users: list[bytes]
    items: list[bytes]
    genres: list[bytes]
    titles: np.ndarray
    item_genres: Ragged
    fallback: np.ndarray
    seen: Ragged
    queries: np.ndarray
    candidates: np.ndarray
    similar_queries: np.ndarray
    similar_candidates: np.ndarray
    encoder: QueryEncoder
    history_length: int
    now: int | None
    rater: Rater | None
    biases: Biases | None
    scale: tuple[float, float] | None


class Request(NamedTuple):
    """The inputs of a batch of users.

    users: [n] int32. history_item_id, exclude: [n, any] or [0, 0] strings. timestamp: [n] or [0] int64 seconds. recent:
    recent ratings, only for `recommend`.
    """

    users: tf.Tensor
    history_item_id: tf.Tensor
    timestamp: tf.Tensor
    exclude: tf.Tensor
    rules: Rules
    recent: Recent | None = None


class Count(NamedTuple):
    """How many items an answer has.

    items: [] int32, in `[0, num_items]`. padding: [2, 2] int32, for `tf.pad`, of the columns behind these.
    """

    items: tf.Tensor
    padding: tf.Tensor


MOST_PADDING = 10_000
"""`k` may exceed the size of the catalogue by this number."""
MOST_WEIGHT = 1e6
"""Maximum absolute weight of ratings, so that scores stay finite and precise."""


class Recommender(tf.Module):
    """Recommends items and predicts ratings; `serving.py` has its signatures.

    Unknown ids are allowed everywhere: an unknown user without a known item in the history gets popular items, and a
    rating falls back to the known biases. If no training event has a rating, nothing predicts ratings, and the order is
    that of retrieval.
    """

    def __init__(self, parts: Parts):
        super().__init__()
        self._num_users, self._num_items = len(parts.users), len(parts.items)
        self._user_index, self._item_index = index(parts.users), index(parts.items)
        self._users = _constant(np.array(parts.users, object))
        # Rows with too few items are padded with an item that has an empty id and title.
        self._items, self._titles = (
            _constant(np.array([*parts.items, b""], object)),
            _constant(np.append(parts.titles, b"")),
        )
        self._permissions = Permissions(self._item_index, parts.genres, parts.item_genres)
        self._seen, self._seen_splits = _constant(parts.seen.values), _constant(parts.seen.row_splits)
        queries, candidates = _with_fallback(parts)
        self._queries, self._candidates = _constant(queries), _constant(candidates)
        self._similar_queries = _constant(parts.similar_queries)
        self._similar_candidates = _constant(parts.similar_candidates)
        self._is_finite = _always_finite(parts)
        self._is_shared = np.append(np.ptp(parts.queries, axis=0) == 0, True)
        # The function and its variables, not the encoder: an optimizer and Keras layers do not belong in the export.
        self._encode_queries, self._query_variables = parts.encoder.encode_queries, parts.encoder.query_variables
        self._history_length, self._now = parts.history_length, parts.now
        self._ratings = None
        if parts.rater is not None and parts.scale is not None:
            self._ratings = Ratings(parts.rater, parts.scale, self._item_index, has_times=parts.now is not None)

    @property
    def has_ratings(self) -> bool:
        """Whether ratings are predicted."""
        return self._ratings is not None

    def recommend(
        self, request: Request, k: tf.Tensor, include_seen: tf.Tensor, n_candidates: tf.Tensor, rating_weight: tf.Tensor
    ) -> Tensors:
        """Recommends in two stages: retrieval proposes candidates, and ranking, if there are ratings, orders them.

        The order is that of the default ratings. A user's mood adds the same number to all ratings of a request, and
        would change the order only where it is cut off at an end of the scale.
        """
        if self._ratings is None:
            found = self.retrieve(request, k, include_seen)
            return found | {names.RETRIEVAL_SCORE: found[names.SCORE]}
        is_number = tf.abs(rating_weight) <= MOST_WEIGHT
        message = f"`{names.RATING_WEIGHT}` must be a number between -{MOST_WEIGHT:g} and {MOST_WEIGHT:g}, got:"
        with refused_unless(is_number, message, rating_weight):
            rating_weight = tf.identity(rating_weight)
        count = self._count(k)
        candidates = tf.maximum(count.items, tf.minimum(n_candidates, self._num_items))
        return self._answer(
            request, lambda asks: self._recommend(request, asks, count, include_seen, candidates, rating_weight)
        )

    def retrieve(self, request: Request, k: tf.Tensor, include_seen: tf.Tensor) -> Tensors:
        """Runs the first stage alone."""
        count = self._count(k)
        return self._answer(request, lambda asks: self._retrieve(request, asks, count, include_seen))

    def retrieve_on_device(self, user_id: tf.Tensor, history_item_id: tf.Tensor, k: tf.Tensor) -> Tensors:
        """Runs the first stage for one user, in operators that TFLite has: see `on_device.retrieve`."""
        tables = on_device.Tables(
            user_index=self._user_index,
            item_index=self._item_index,
            items=self._items,
            seen=self._seen,
            seen_splits=self._seen_splits,
            queries=self._queries,
            candidates=self._candidates,
            is_shared=self._is_shared,
            encode_queries=self._encode_queries,
            history_length=self._history_length,
            now=self._now or 0,
        )
        return on_device.retrieve(tables, user_id, history_item_id, k)

    def similar_items(self, item_id: tf.Tensor, rules: Rules, exclude: tf.Tensor, k: tf.Tensor) -> Tensors:
        """Finds the most similar items, without the item itself."""
        items = find(self._item_index, item_id)
        is_known = items < self._num_items
        queries = tf.gather(self._similar_queries, tf.where(is_known, items, 0))
        scores = tf.matmul(queries, self._similar_candidates, transpose_b=True)
        scores = self._permissions.apply(tf.where(is_known[:, tf.newaxis], scores, -np.inf), rules)
        excluded = tf.concat([items[:, tf.newaxis], self._excluded(exclude, tf.shape(items)[0])], axis=1)
        count = self._count(k)
        scores, best = self._best(remove(scores, *cells_of(excluded, self._num_items)), count.items)
        return self._show(best, {names.SCORE: scores}, count) | {names.IS_KNOWN: is_known}

    def find_users(self, user_id: tf.Tensor) -> tf.Tensor:
        """Looks up [n] ids as [n] int32 indices."""
        return find(self._user_index, user_id)

    def embed_users(self, users: tf.Tensor, history_item_id: tf.Tensor, timestamp: tf.Tensor) -> Tensors:
        """Returns the vectors of queries; arguments as in `Request`."""
        vectors, unknown_history = choose(
            tf.size(history_item_id) + tf.size(timestamp) > 0,
            lambda: self._encode(users, history_item_id, timestamp)[:2],
            lambda: (self._known_vectors(users), tf.zeros_like(users)),
        )
        return {names.EMBEDDING: vectors} | self._facts(users, unknown_history)

    def embed_items(self, item_id: tf.Tensor) -> Tensors:
        """Returns the vectors of items; zeros for an unknown one."""
        items = find(self._item_index, item_id)
        is_known = items < self._num_items
        vectors = tf.gather(self._candidates, tf.where(is_known, items, 0))[:, :-1]
        return {names.EMBEDDING: tf.where(is_known[:, tf.newaxis], vectors, 0.0), names.IS_KNOWN: is_known}

    def rate(self, user_id: tf.Tensor, item_id: tf.Tensor, timestamp: tf.Tensor, recent: Recent) -> Tensors:
        """Predicts the ratings of pairs of a user and an item; only if `has_ratings`."""
        assert self._ratings is not None
        users, items = self._find_pairs(user_id, item_id)
        default = self._ratings.rate(users, items)[:, tf.newaxis]
        ratings = self._ratings.rate_at(users, items[:, tf.newaxis], default, timestamp, recent)
        return {names.RATING: ratings[:, 0]}

    def rate_on_device(self, user_id: tf.Tensor, item_id: tf.Tensor) -> Tensors:
        """Does as `rate` without a time, in operators that TFLite has."""
        assert self._ratings is not None
        return {names.RATING: self._ratings.rate(*self._find_pairs(user_id, item_id))}

    def list_users(self, begin: tf.Tensor, end: tf.Tensor) -> Tensors:
        """Returns the ids of a range of users, and the number of all users."""
        span = _span(begin, end, self._num_users)
        return {names.USER_ID: self._users[span], names.NUM_USERS: tf.constant(self._num_users)}

    def list_items(self, begin: tf.Tensor, end: tf.Tensor) -> Tensors:
        """Returns the ids and titles of a range of items, and the number of all items."""
        span = _span(begin, end, self._num_items)
        columns = {names.ITEM_ID: self._items[span], names.TITLE: self._titles[span]}
        return columns | {names.NUM_ITEMS: tf.constant(self._num_items)}

    def _find_pairs(self, user_id: tf.Tensor, item_id: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Looks up as many users as items, [n] int32 each."""
        num_users, num_items = tf.size(user_id), tf.size(item_id)
        message = f"`{names.USER_ID}` and `{names.ITEM_ID}` must have the same length, got:"
        with refused_unless(num_users == num_items, message, num_users, num_items):
            user_id = tf.identity(user_id)
        return find(self._user_index, user_id), find(self._item_index, item_id)

    def _answer(self, request: Request, answer: Callable[[bool], Tensors]) -> Tensors:
        """Returns what `answer` returns, which is given whether the request has inputs in addition to the users.

        Requests without any are answered by a function that has no operators for these.
        """
        inputs = [request.history_item_id, request.timestamp, request.exclude, *request.rules]
        if request.recent is not None:
            inputs.append(request.recent.item_id)
        asks = tf.add_n([tf.size(values) for values in inputs]) > 0
        return choose(asks, lambda: answer(True), lambda: in_sequence(lambda: answer(False)))

    def _recommend(
        self,
        request: Request,
        asks: bool,
        count: Count,
        include_seen: tf.Tensor,
        n_candidates: tf.Tensor,
        rating_weight: tf.Tensor,
    ) -> Tensors:
        assert self._ratings is not None
        users = request.users
        retrieved, items, facts = self._find(request, asks, n_candidates, include_seen)
        ratings = self._ratings.rate(users[:, tf.newaxis], items)
        # Of an unknown user's taste, nothing is known: the order stays that of popularity.
        weight = tf.where(users < self._num_users, rating_weight, 0.0)[:, tf.newaxis]
        scores = retrieved + weight * ratings
        # A rating that is not a number must not bring back what was removed.
        scores = tf.where(retrieved > -np.inf, scores, -np.inf)
        scores, places = self._best(scores, count.items)
        items, retrieved, ratings = (tf.gather(column, places, batch_dims=1) for column in (items, retrieved, ratings))
        if asks and request.recent is not None:
            ratings = self._ratings.rate_at(users, items, ratings, request.timestamp, request.recent)
        numbers = {names.SCORE: scores, names.RETRIEVAL_SCORE: retrieved, names.RATING: ratings}
        return self._show(items, numbers, count) | facts

    def _retrieve(self, request: Request, asks: bool, count: Count, include_seen: tf.Tensor) -> Tensors:
        scores, items, facts = self._find(request, asks, count.items, include_seen)
        return self._show(items, {names.SCORE: scores}, count) | facts

    def _find(
        self, request: Request, asks: bool, k: tf.Tensor, include_seen: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Tensors]:
        """Returns scores, -infinity if too few are left, items, [n, k] each, and facts on each row."""
        users = request.users
        # The unknown user has seen nothing.
        rows, seen = self._seen_by(tf.where(include_seen, self._num_users, users))
        if asks:
            scores, unknown_history = self._score_as_asked(request, include_seen)
        else:
            unknown_history = tf.zeros_like(users)
            scores = self._score(tf.gather(self._queries, users))
            if not self._is_finite:
                scores = tf.where(tf.math.is_finite(scores), scores, -np.inf)
        return *self._best(remove(scores, rows, seen), k), self._facts(users, unknown_history)

    def _score(self, queries: tf.Tensor) -> tf.Tensor:
        """Returns scores, [n, num_items], of queries, [n, width + 1], whose last column is 1 for the fallback."""
        return tf.matmul(queries, self._candidates, transpose_b=True)

    def _score_as_asked(self, request: Request, include_seen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns scores, [n, num_items], -infinity if unwanted, and the number of unknown ids in each history, [n]."""
        queries, unknown_history, history = self._encode(request.users, request.history_item_id, request.timestamp)
        has_history = tf.reduce_any(history < self._num_items, axis=1)[:, tf.newaxis]
        queries = tf.where(has_history, tf.pad(queries, [[0, 0], [0, 1]]), tf.gather(self._queries, request.users))
        scores = self._score(queries)
        brought = tf.where(include_seen, self._num_items, history)
        excluded = tf.concat([brought, self._excluded(request.exclude, tf.shape(history)[0])], axis=1)
        scores = remove(scores, *cells_of(excluded, self._num_items))
        return self._permissions.apply(scores, request.rules), unknown_history

    def _encode(
        self, users: tf.Tensor, history_item_id: tf.Tensor, timestamp: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the vectors of queries, the number of unknown ids in each history, and its items.

        Returns:
          [n, width], [n] int32 and [n, any] int32, where the number of items stands for unknown ids and padding.
        """
        num_rows = tf.shape(users)[0]
        given = rows_of(history_item_id, num_rows, names.HISTORY_ITEM_ID)
        history = find(self._item_index, given)
        is_item = history < self._num_items
        unknown = tf.math.count_nonzero(~is_item & (given != ""), axis=1, dtype=tf.int32)
        timestamps = rows_of(timestamp[:, tf.newaxis], num_rows, names.TIMESTAMP)[:, 0]
        timestamps = tf.where(tf.size(timestamp) > 0, timestamps, tf.constant(self._now or 0, tf.int64))
        kept = latest(known_items(history, self._num_items), self._num_items, self._history_length)
        encoded = self._encode_queries(users, kept, timestamps)
        has_history = tf.reduce_any(is_item, axis=1)[:, tf.newaxis]
        return tf.where(has_history, encoded, self._known_vectors(users)), unknown, history

    def _best(self, scores: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the `k` best scores, descending, and their places, [n, k] each, of [n, at least k] scores."""
        return tf.math.top_k(scores, k)

    def _known_vectors(self, users: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of [n] users, [n, width], whose histories are those of training."""
        rows = tf.where(users < self._num_users, users, self._num_users + 1)
        return tf.gather(self._queries, rows)[:, :-1]

    def _excluded(self, exclude: tf.Tensor, num_rows: tf.Tensor) -> tf.Tensor:
        """Returns items, [num_rows, any] int32; the number of items stands for unknown ids and padding."""
        return find(self._item_index, rows_of(exclude, num_rows, names.EXCLUDE))

    def _count(self, k: tf.Tensor) -> Count:
        """Returns how many items an answer has.

        Raises:
          InvalidArgumentError: `k` is too large.
        """
        most = self._num_items + MOST_PADDING
        message = f"`{names.K}` must be at most {most}, {MOST_PADDING} more than the number of items, got:"
        with refused_unless(k <= most, message, k):
            items = tf.clip_by_value(k, 0, self._num_items)
        return Count(items, tf.maximum(k - self._num_items, 0) * tf.constant([[0, 0], [0, 1]]))

    def _show(self, items: tf.Tensor, numbers: Tensors, count: Count) -> Tensors:
        """Returns columns, [n, max(k, 0)], of [n, count.items] items and numbers.

        A score of -infinity marks padding.
        """
        left = numbers[names.SCORE] > -np.inf
        items = tf.pad(tf.where(left, items, self._num_items), count.padding, constant_values=self._num_items)
        columns = {names.ITEM_ID: tf.gather(self._items, items), names.TITLE: tf.gather(self._titles, items)}
        return columns | {name: tf.pad(tf.where(left, column, 0.0), count.padding) for name, column in numbers.items()}

    def _facts(self, users: tf.Tensor, unknown_history: tf.Tensor) -> Tensors:
        return {names.IS_KNOWN: users < self._num_users, names.UNKNOWN_HISTORY: unknown_history}

    def _seen_by(self, users: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns what [n] users have seen as rows and items, [cells] int32 each."""
        # A few operators; `tf.gather` of a ragged tensor has fifty.
        found = tf.raw_ops.RaggedGather(
            params_nested_splits=[self._seen_splits],
            params_dense_values=self._seen,
            indices=users,
            OUTPUT_RAGGED_RANK=1,
        )
        cells = tf.raw_ops.RaggedTensorToSparse(
            rt_nested_splits=found.output_nested_splits, rt_dense_values=found.output_dense_values
        )
        return tf.cast(cells.sparse_indices[:, 0], tf.int32), cells.sparse_values


def _with_fallback(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Returns the tables of queries, [num_users + 2, width + 1], and of candidates, [num_items, width + 1].

    The last column of the candidates has the scores for unknown users without a history, which are the products with
    the row of the queries behind those of known users. Hence no request selects them. The last row of the queries has
    the vector of the unknown user.
    """
    queries = np.pad(parts.queries, [(0, 1), (0, 1)])
    queries[-1], queries[-2] = queries[-2], np.eye(1, queries.shape[1], queries.shape[1] - 1)
    return queries, np.column_stack([parts.candidates, parts.fallback])


def _always_finite(parts: Parts) -> bool:
    """Whether no score of a known query can be infinite or NaN, so that no request needs to check it."""
    largest = [float(np.abs(vectors).max(initial=0)) for vectors in (parts.queries, parts.candidates)]
    bound = parts.candidates.shape[1] * largest[0] * largest[1]
    return bool(bound < float(np.finfo(np.float32).max) and np.isfinite(parts.fallback).all())


def _span(begin: tf.Tensor, end: tf.Tensor, size: int) -> slice:
    """Returns the slice from `begin` to before `end`, within `size`."""
    return slice(tf.clip_by_value(begin, 0, size), tf.clip_by_value(end, 0, size))


def _constant(values: np.ndarray) -> tf.Variable:
    """Creates a variable, since a graph holds at most 2 GB of constants."""
    return tf.Variable(values, trainable=False)
