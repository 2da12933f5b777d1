"""An approximate index of inner products in stock operators, as a SavedModel with the signatures of exact retrieval.

The items are divided into leaves (an inverted file, IVF). A request ranks the leaves, scores the items of the best
leaves exactly, and returns the best items.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from components.index_exporter import leaves as division
from components.index_exporter.content import Content
from recommender.serving.branches import choose
from schemas import signatures as names

MOST_PADDING = 10_000
"""`k` may exceed the size of the catalogue by this number, as for the exact model."""
_SPARED = 0.25
"""Share of the allowed misses that is kept in reserve, since the sampled users are not those who will be served."""
_CELLS_AT_ONCE = 1 << 25
"""Maximum number of scores computed at once to find the exact best items; limits their memory to 128 MiB."""
_MORE_LEAVES = 16
"""Number of leaves ranked in addition to twice the number that holds the items to be searched on average."""
_SEED = 42

Tensors = dict[str, tf.Tensor]


class Index(tf.Module):
    """Finds items by inner product: searches leaves, best first, until they hold `searched_items` permitted items."""

    def __init__(self, content: Content, sampled: np.ndarray, k: int, recall: float):
        """Divides the items and chooses how many are searched.

        Args:
          content: the contents of the index.
          sampled: [n] int, positions of users whose best items the search must find; at least one.
          k: number of best items per user.
          recall: minimum share of them to be found, in [0, 1].
        """
        super().__init__()
        leaves = division.divide(content.candidates, _SEED)
        self._num_items, self._num_users = len(content.catalogue.items), len(content.users)
        self.num_leaves = len(leaves.keys)
        row = np.empty_like(leaves.order)
        row[leaves.order] = np.arange(self._num_items, dtype=np.int32)
        # Items are in the order of the leaves; the empty id and title after the last one are padding.
        self._vectors = _constant(content.candidates[leaves.order])
        self._items, self._titles = (
            _constant(np.append(values[leaves.order], b""))
            for values in (content.catalogue.items, content.catalogue.titles)
        )
        self._keys, self._splits = _constant(leaves.keys), _constant(leaves.splits)
        self._queries = _constant(content.queries)
        users, items = np.divmod(content.seen, self._num_items)
        seen = row[items]
        self._seen = _constant(seen)
        # The unknown user, the last one, has seen nothing.
        seen_splits = np.searchsorted(users, np.arange(self._num_users + 2))
        self._seen_splits = _constant(seen_splits.astype(np.int32))
        self._popular, self._popular_scores = _constant(row[content.popular]), _constant(content.popular_scores)
        self._num_genres = len(content.catalogue.genres)
        self._genre_rows = _constant(row[content.catalogue.genre_items])
        self._genre_splits = _constant(content.catalogue.genre_splits.astype(np.int32))
        self._user_index, self._item_index = _table(content.users), _table(content.catalogue.items[leaves.order])
        # A table cannot be empty.
        self._genre_index = _table(np.append(content.catalogue.genres, b""))
        seen_by = [seen[seen_splits[user] : seen_splits[user + 1]] for user in sampled]
        best = self._best_rows(content.queries[sampled], seen_by, k)
        before = division.items_before(leaves, content.queries[sampled], best)
        self.searched_items = _searched(before, 1.0 - (1.0 - recall) * (1.0 - _SPARED))
        items_per_leaf = self._num_items / self.num_leaves
        self._few_leaves = min(self.num_leaves, math.ceil(2 * self.searched_items / items_per_leaf) + _MORE_LEAVES)
        self._make_functions(content.candidates.shape[1])

    def save(self, folder: str) -> None:
        """Writes the SavedModel with the signatures `retrieve` and `search`."""
        signatures = {names.RETRIEVE: self.retrieve, names.SEARCH: self.search}
        tf.saved_model.save(self, folder, signatures=signatures)

    def description(self) -> dict[str, Any]:
        """Returns how the items are divided and searched."""
        return {"leaves": self.num_leaves, "searched_items": self.searched_items}

    def _best_rows(self, queries: np.ndarray, seen: list[np.ndarray], k: int) -> list[np.ndarray]:
        """Returns for each query the rows of the k items with the highest products among those not seen."""
        step, best = max(1, _CELLS_AT_ONCE // self._num_items), []
        for begin in range(0, len(queries), step):
            scores = tf.matmul(queries[begin : begin + step], self._vectors, transpose_b=True).numpy()
            for row, rows in zip(scores, seen[begin : begin + step], strict=True):
                row[rows] = -np.inf
                count = min(k, self._num_items - len(rows))
                best.append(np.argpartition(-row, count - 1)[:count] if count else np.array([], np.int64))
        return best

    def _make_functions(self, width: int) -> None:
        strings, table = tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.string)
        nothing, no_rows, no = tf.constant([], tf.string), tf.constant([], tf.string, [0, 0]), tf.constant(False)
        shown = [
            tf.TensorSpec([], tf.int32, names.K),
            _named(table, names.EXCLUDE),
            *(_named(strings, name) for name in (names.ALLOW, names.DENY, names.GENRE)),
        ]

        query, seen = _named(strings, names.USER_ID), tf.TensorSpec([], tf.bool, names.INCLUDE_SEEN)

        @tf.function(input_signature=[query, *shown, seen], autograph=False)
        def retrieve(
            user_id: tf.Tensor,
            k: tf.Tensor,
            exclude: tf.Tensor = no_rows,
            allow: tf.Tensor = nothing,
            deny: tf.Tensor = nothing,
            genre: tf.Tensor = nothing,
            include_seen: tf.Tensor = no,
        ) -> Tensors:
            """Returns the best items for each of [n] users; inputs as those of the exact `retrieve`.

            Returns:
              `item_id`, `title` and `score`, [n, max(k, 0)]; if fewer than k items are permitted, the row is padded
              with empty ids, empty titles and zeros. `is_known`, [n] bool: false for unknown users, who get popular
              items.
            """
            users = tf.cast(self._user_index.lookup(user_id), tf.int32)
            is_known = users < self._num_users
            viewers = tf.where(include_seen, self._num_users, users)
            found = self._find(tf.gather(self._queries, users), is_known, viewers, exclude, (allow, deny, genre), k)
            return found | {names.IS_KNOWN: is_known}

        @tf.function(
            input_signature=[tf.TensorSpec([None, width], tf.float32, names.EMBEDDING), *shown], autograph=False
        )
        def search(
            embedding: tf.Tensor,
            k: tf.Tensor,
            exclude: tf.Tensor = no_rows,
            allow: tf.Tensor = nothing,
            deny: tf.Tensor = nothing,
            genre: tf.Tensor = nothing,
        ) -> Tensors:
            """Returns the best items for each of [n, width] vectors, seen or not; columns as those of `retrieve`."""
            is_known = tf.fill(tf.shape(embedding)[:1], True)
            viewers = tf.fill(tf.shape(embedding)[:1], self._num_users)
            return self._find(embedding, is_known, viewers, exclude, (allow, deny, genre), k)

        self.retrieve, self.search = retrieve, search

    def _find(
        self,
        queries: tf.Tensor,
        is_known: tf.Tensor,
        viewers: tf.Tensor,
        exclude: tf.Tensor,
        rules: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        k: tf.Tensor,
    ) -> Tensors:
        """Returns the columns of `search`.

        Args:
          queries: [n, width] float32.
          is_known: [n] bool; a row with False gets the popular items instead.
          viewers: [n] int32, users whose seen items are left out.
          exclude: [n or 0, any] ids of items to leave out in each row.
          rules: allow, deny and genre, [any] strings each.
          k: [] int32, number of items per row.
        """
        num_rows = tf.shape(queries)[0]
        most = self._num_items + MOST_PADDING
        too_many = f"`{names.K}` must be at most {most}, {MOST_PADDING} more than the number of items, got:"
        uneven = f"`{names.EXCLUDE}` must have one row for each row of the batch, or no rows; rows, batch:"
        given = tf.shape(exclude)[0]
        checks = [
            tf.debugging.Assert(k <= most, [too_many, k]),
            tf.debugging.Assert((given == num_rows) | (given == 0), [uneven, given, num_rows]),
        ]
        with tf.control_dependencies(checks):
            count = tf.clip_by_value(k, 0, self._num_items)
            exclude = tf.pad(exclude, [[0, num_rows - given], [0, 0]])
        excluded = tf.cast(self._item_index.lookup(exclude), tf.int32)
        has_rules = tf.add_n([tf.size(rule) for rule in rules]) > 0
        permitted, splits = choose(
            has_rules,
            lambda: self._permitted(*rules),
            lambda: (tf.range(0), tf.identity(self._splits)),
        )
        popular = choose(
            has_rules & ~tf.reduce_all(is_known),
            lambda: self._permitted_popular(permitted),
            lambda: (tf.identity(self._popular), tf.identity(self._popular_scores)),
        )

        def find(row: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
            query, has_vector, viewer, unwanted = row
            seen = self._seen[self._seen_splits[viewer] : self._seen_splits[viewer + 1]]
            # The padding item at the end keeps the list from being empty.
            banned = tf.sort(tf.concat([seen, unwanted, [self._num_items]], axis=0))
            wanted = count + tf.size(banned)
            rows, scores = tf.cond(
                has_vector,
                lambda: self._nearest(query, wanted, splits, permitted, has_rules),
                lambda: (popular[0][:wanted], popular[1][:wanted]),
            )
            scores, places = tf.math.top_k(scores, tf.minimum(wanted, tf.size(rows)))
            rows = tf.gather(rows, places)
            is_banned = tf.gather(banned, tf.searchsorted(banned, rows)) == rows
            # The remaining items keep their order.
            left = tf.where(~is_banned & (scores > -np.inf))[:count, 0]
            padding = [[0, tf.maximum(k, 0) - tf.size(left, tf.int32)]]
            return (
                tf.pad(tf.gather(rows, left), padding, constant_values=self._num_items),
                tf.pad(tf.gather(scores, left), padding),
            )

        def find_each() -> tuple[tf.Tensor, tf.Tensor]:
            # `map_fn` cannot stack the results of no rows, so an empty batch gets one row of zeros.
            added = tf.cast(num_rows == 0, tf.int32)
            rows, scores = tf.map_fn(
                find,
                (
                    tf.pad(queries, [[0, added], [0, 0]]),
                    tf.pad(is_known, [[0, added]]),
                    tf.pad(viewers, [[0, added]]),
                    tf.pad(excluded, [[0, added], [0, 0]]),
                ),
                fn_output_signature=(tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)),
            )
            return rows[:num_rows], scores[:num_rows]

        def find_one() -> tuple[tf.Tensor, tf.Tensor]:
            # Skip the loop, which takes a large part of the time of a call with one row.
            rows, scores = find((queries[0], is_known[0], viewers[0], excluded[0]))
            return rows[tf.newaxis], scores[tf.newaxis]

        rows, scores = tf.cond(num_rows == 1, find_one, find_each)
        return {
            names.ITEM_ID: tf.gather(self._items, rows),
            names.TITLE: tf.gather(self._titles, rows),
            names.SCORE: scores,
        }

    def _nearest(
        self, query: tf.Tensor, wanted: tf.Tensor, splits: tf.Tensor, permitted: tf.Tensor, has_rules: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows and scores of the items in the best leaves; scores that are not finite become -infinity.

        Args:
          query: [width] float32.
          wanted: [] int32, minimum number of items, if so many are permitted.
          splits: [num_leaves + 1] int32, the row splits of the permitted items by leaf.
          permitted: [n] int32, rows of permitted items, ascending; ignored without rules, which permits all items.
          has_rules: [] bool.
        """
        # Leaves are ranked by the direction of the query alone, so that its length cannot overflow.
        direction = query / tf.maximum(tf.reduce_max(tf.abs(query)), np.float32(1e-30))
        key = tf.concat([direction, [tf.norm(direction)]], axis=0)
        merits = tf.linalg.matvec(self._keys, key)
        merits = tf.where(tf.math.is_finite(merits), merits, -np.inf)

        def best_leaves(count: int) -> tuple[tf.Tensor, tf.Tensor]:
            leaves = tf.math.top_k(merits, count).indices
            return tf.gather(splits, leaves), tf.gather(splits, leaves + 1)

        least = tf.maximum(wanted, self.searched_items)
        # Sorting all leaves would take longer than everything else; this many are nearly always enough.
        begins, ends = best_leaves(self._few_leaves)
        begins, ends = tf.cond(
            tf.reduce_sum(ends - begins) >= least, lambda: (begins, ends), lambda: best_leaves(self.num_leaves)
        )
        searched = tf.searchsorted(tf.cumsum(ends - begins), [least])[0] + 1
        rows = _ranges(begins[:searched], ends[:searched])
        rows = tf.cond(has_rules, lambda: tf.gather(permitted, rows), lambda: rows)
        scores = tf.linalg.matvec(tf.gather(self._vectors, rows), query)
        return rows, tf.where(tf.math.is_finite(scores), scores, -np.inf)

    def _permitted(self, allow: tf.Tensor, deny: tf.Tensor, genre: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows that the rules permit, ascending, and their row splits by leaf."""
        # Empty strings are padding.
        allow, genre = (tf.boolean_mask(ids, ids != "") for ids in (allow, genre))
        flags = ~self._flags(self._rows_of(deny))
        flags &= (tf.size(allow) == 0) | self._flags(self._rows_of(allow))
        genres = tf.cast(self._genre_index.lookup(genre), tf.int32)
        genres = tf.boolean_mask(genres, genres < self._num_genres)
        begins, ends = tf.gather(self._genre_splits, genres), tf.gather(self._genre_splits, genres + 1)
        hits = tf.gather(self._genre_rows, _ranges(begins, ends))
        flags &= (tf.size(genre) == 0) | self._flags(hits)
        permitted = tf.cast(tf.where(flags)[:, 0], tf.int32)
        return permitted, tf.searchsorted(permitted, self._splits)

    def _permitted_popular(self, permitted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows and scores of the permitted items, most popular first."""
        kept = tf.gather(self._flags(permitted), self._popular)
        return tf.boolean_mask(self._popular, kept), tf.boolean_mask(self._popular_scores, kept)

    def _rows_of(self, ids: tf.Tensor) -> tf.Tensor:
        rows = tf.cast(self._item_index.lookup(ids), tf.int32)
        return tf.boolean_mask(rows, rows < self._num_items)

    def _flags(self, rows: tf.Tensor) -> tf.Tensor:
        """Converts [n] rows to [num_items] bool, true at each of the rows."""
        nothing = tf.zeros([self._num_items], tf.bool)
        return tf.tensor_scatter_nd_update(nothing, rows[:, tf.newaxis], tf.ones_like(rows, tf.bool))


def _ranges(begins: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """Concatenates the ranges from `begins` up to but excluding `ends`, [n] int32 each, to [any] int32."""
    # A single operator; `tf.ragged.range` adds about twenty.
    return tf.raw_ops.RaggedRange(starts=begins, limits=ends, deltas=1).rt_dense_values


def _searched(before: np.ndarray, recall: float) -> int:
    """Returns the least number of items to search that reaches a recall.

    Args:
      before: [n] int, for each item to be found, the number of items searched before its leaf.
      recall: share of the n items to be found, in [0, 1].
    """
    if not len(before):
        return 1
    # A leaf is searched if the leaves before it hold fewer items than are to be searched.
    return int(np.sort(before)[max(0, math.ceil(recall * len(before)) - 1)]) + 1


def _constant(values: np.ndarray) -> tf.Variable:
    """Returns the values as a variable, since a graph holds at most 2 GB of constants."""
    return tf.Variable(values, trainable=False)


def _table(ids: np.ndarray) -> tf.lookup.StaticHashTable:
    """Returns a table from ids to positions; an unknown id has the position `len(ids)`."""
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(ids, tf.string), tf.range(len(ids), dtype=tf.int64))
    return tf.lookup.StaticHashTable(entries, len(ids))


def _named(spec: tf.TensorSpec, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(spec.shape, spec.dtype, name)
