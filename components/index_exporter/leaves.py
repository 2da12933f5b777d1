"""Divides vectors into leaves by k-means, and computes how many items a search must score to find given items."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

_LEAVES_PER_ROOT = 8
"""Number of leaves as a multiple of the square root of the number of items; ranking the leaves stays much cheaper than
scoring their items."""
_SAMPLED_PER_LEAF = 20
"""Number of sampled items per leaf that the centres are fitted to."""
_ITERATIONS = 6
_RATIO = 2.0
"""A leaf larger than the mean by more than this factor is split: it receives the centre of a leaf that is smaller than
the mean by more than this factor."""
_SPREADS = 2.0
"""Standard deviations by which a leaf's best item is expected above its mean, in the direction of a query."""
_CELLS_AT_ONCE = 1 << 24
"""Maximum number of scores computed at once; limits their memory to 64 MiB."""


class Leaves(NamedTuple):
    """Items sorted by leaf.

    order: [num_items] int32, positions of the items, leaf by leaf. splits: [num_leaves + 1] int32, the row splits of
    `order`. keys: [num_leaves, width + 1] float32, a leaf's mean vector, then a multiple of its spread: the product
    with a query followed by the query's length estimates the score of the leaf's best items.
    """

    order: np.ndarray
    splits: np.ndarray
    keys: np.ndarray


def divide(vectors: np.ndarray, seed: int) -> Leaves:
    """Fits the leaves.

    The leaves come from plain k-means, although the search maximizes inner products: with the factors of real data it
    had to score far fewer items than with spherical k-means, and about as many as with the reduction of inner products
    to distances (docs/index.md).

    Args:
      vectors: [num_items, width] float32, at least one row.
      seed: seeds the sample, the first centres and their moves.
    """
    rng = np.random.default_rng(seed)
    num_leaves = min(len(vectors), max(1, round(_LEAVES_PER_ROOT * len(vectors) ** 0.5)))
    num_sampled = min(len(vectors), num_leaves * _SAMPLED_PER_LEAF)
    sample = vectors[np.sort(rng.choice(len(vectors), num_sampled, replace=False))]
    centres = sample[rng.choice(num_sampled, num_leaves, replace=False)]
    for iteration in range(_ITERATIONS):
        order, splits = _sort(_nearest(sample, centres), num_leaves)
        centres = _means(sample, order, splits, centres)
        if iteration + 1 < _ITERATIONS:
            _rebalance(centres, sample, order, splits, rng)
    leaf = _nearest(vectors, centres)
    order, splits = _sort(leaf, num_leaves)
    # Drop empty leaves, which have no mean.
    used = np.flatnonzero(np.diff(splits))
    splits = np.append(splits[:-1][used], splits[-1])
    means = _means(vectors, order, splits, centres[used])
    return Leaves(order, splits, np.column_stack([means, _SPREADS * _spreads(vectors, order, splits, means)]))


def items_before(leaves: Leaves, queries: np.ndarray, best: list[np.ndarray]) -> np.ndarray:
    """Returns, for each item to be found, how many items are in the leaves that are searched before its leaf.

    Args:
      leaves: the leaves of the catalogue.
      queries: [n, width] float32.
      best: for each query, the items to be found, as positions in `leaves.order`.

    Returns:
      [sum of the lengths of `best`] int.
    """
    sizes = np.diff(leaves.splits)
    found = []
    for query, rows in zip(queries, best, strict=True):
        ranked = np.argsort(-(leaves.keys @ np.append(query, np.linalg.norm(query))), kind="stable")
        before = np.empty(len(sizes), np.int64)
        before[ranked] = np.cumsum(sizes[ranked]) - sizes[ranked]
        found.append(before[np.searchsorted(leaves.splits, rows, side="right") - 1])
    return np.concatenate(found) if found else np.array([], np.int64)


@tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([None, None]), tf.TensorSpec([None])])
def _nearest_of(vectors: tf.Tensor, centres: tf.Tensor, half_squares: tf.Tensor) -> tf.Tensor:
    return tf.argmax(tf.matmul(vectors, centres, transpose_b=True) - half_squares, axis=1, output_type=tf.int32)


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Returns the number of the nearest centre of each vector, [n] int32."""
    half_squares = 0.5 * np.square(centres).sum(axis=1)
    step = max(1, _CELLS_AT_ONCE // len(centres))
    blocks = [vectors[begin : begin + step] for begin in range(0, len(vectors), step)]
    return np.concatenate([_nearest_of(block, centres, half_squares).numpy() for block in blocks])


def _sort(leaf: np.ndarray, num_leaves: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns `order` and `splits` as in `Leaves`; leaves may be empty."""
    sizes = np.bincount(leaf, minlength=num_leaves)
    return np.argsort(leaf, kind="stable").astype(np.int32), np.append(0, np.cumsum(sizes)).astype(np.int32)


def _means(vectors: np.ndarray, order: np.ndarray, splits: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Returns the mean of each leaf, [num_leaves, width] float32; that of an empty leaf is its row of `otherwise`."""
    means = otherwise.copy()
    for leaf in np.flatnonzero(np.diff(splits)):
        means[leaf] = vectors[order[splits[leaf] : splits[leaf + 1]]].mean(axis=0)
    return means


def _spreads(vectors: np.ndarray, order: np.ndarray, splits: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Returns each leaf's standard deviation in one direction, averaged over all directions, [num_leaves] float32."""
    spreads = [
        np.sqrt(np.square(vectors[order[begin:end]] - mean).mean())
        for begin, end, mean in zip(splits[:-1], splits[1:], means, strict=True)
    ]
    return np.array(spreads, np.float32)


def _rebalance(
    centres: np.ndarray, vectors: np.ndarray, order: np.ndarray, splits: np.ndarray, rng: np.random.Generator
) -> None:
    """Moves the centres of the smallest leaves into the largest ones, in place."""
    sizes = np.diff(splits)
    mean = len(vectors) / len(sizes)
    by_size = np.argsort(sizes, kind="stable")
    small, large = by_size[sizes[by_size] < mean / _RATIO], by_size[sizes[by_size] > mean * _RATIO][::-1]
    for moved, split in zip(small, large, strict=False):
        centres[moved] = vectors[order[splits[split] + rng.integers(sizes[split])]]
