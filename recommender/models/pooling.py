"""Encodes a user's history as one vector."""

import tensorflow as tf

from recommender.models.sparse import sparse_dense_product


def drop_events(history: tf.RaggedTensor, share: float) -> tf.RaggedTensor:
    """Leaves out each event of [num_queries, (events)] with probability `share`."""
    kept = tf.random.uniform(tf.shape(history.flat_values)) >= share
    return tf.ragged.boolean_mask(history, history.with_flat_values(kept))


def sum_pooling(vectors: tf.Tensor, history: tf.RaggedTensor, weights: tf.RaggedTensor | None = None) -> tf.Tensor:
    """Returns the weighted sum of the vectors of each history's items, divided by the L2 norm of the weights.

    With equal weights this is the product of the L2-normalised row of the user-item matrix and an embedding table, as
    in the input layer of Mult-VAE (Liang et al., 2018) and the implicit part of SVD++ (Koren, 2008).

    Args:
      vectors: [num_vectors, dimension] float32.
      history: [num_queries, (events)] integers, positions in `vectors`.
      weights: [num_queries, (events)] float32; None: all are 1.

    Returns:
      [num_queries, dimension]; zeros for an empty history.
    """
    rows, num_rows = history.value_rowids(), history.nrows()
    if weights is None and history.shape[0] != 1:
        sums = tf.sparse.segment_sum(vectors, history.flat_values, rows, num_segments=num_rows)
        return sums * tf.math.rsqrt(tf.cast(tf.maximum(history.row_lengths(), 1), tf.float32))[:, tf.newaxis]
    factors = tf.ones_like(history.flat_values, tf.float32) if weights is None else weights.flat_values
    squares = tf.math.unsorted_segment_sum(tf.square(factors), rows, num_rows)
    factors *= tf.gather(tf.where(squares > 0, tf.math.rsqrt(squares), 0.0), rows)
    return weighted_sum(vectors, history, history.with_flat_values(factors))


def weighted_sum(vectors: tf.Tensor, history: tf.RaggedTensor, weights: tf.RaggedTensor) -> tf.Tensor:
    """Returns the weighted sum of the vectors of each history's items; arguments and result as of `sum_pooling`."""
    factors = weights.flat_values
    if history.shape[0] == 1:
        # On a phone there is one query at a time, and TFLite has no sparse product.
        return tf.matmul(factors[tf.newaxis], tf.gather(vectors, history.flat_values))
    # One sparse product reads each vector where it is needed: no [queries, events, dimension] tensor.
    members = tf.SparseTensor(
        tf.stack([history.value_rowids(), tf.cast(history.flat_values, tf.int64)], axis=1),
        factors,
        tf.stack([history.nrows(), tf.cast(tf.shape(vectors)[0], tf.int64)]),
    )
    return sparse_dense_product(members, vectors)


def places_from_end(history: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns [num_queries, (events)] integers: 0 for the latest event, which is the last, 1 for the one before."""
    ends = tf.gather(history.row_limits(), history.value_rowids())
    return history.with_flat_values(ends - 1 - tf.range(tf.size(history.flat_values, ends.dtype)))


def place_weights(history: tf.RaggedTensor, decay: float) -> tf.RaggedTensor:
    """Returns [num_queries, (events)] float32: exp(-place / decay), with place 0 for the latest event."""
    return tf.ragged.map_flat_values(
        lambda places: tf.exp(-tf.cast(places, tf.float32) / decay), places_from_end(history)
    )
