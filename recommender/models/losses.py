"""Softmax losses over candidates."""

import tensorflow as tf


def softmax_loss(
    logits: tf.Tensor,
    queries: tf.Tensor,
    columns: tf.Tensor,
    log_inclusion: tf.Tensor,
    weights: tf.Tensor | None = None,
    total: tf.Tensor | None = None,
) -> tf.Tensor:
    """Returns the (weighted) mean cross-entropy of the positives under a softmax over the candidates of a batch.

    Each logit is lowered by the logarithm of the probability that the batch includes the candidate (logQ; Yi et al.,
    "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", 2019): the sum of the
    exponentials then estimates that over the whole catalogue without bias, and popular items are not penalised for
    being drawn often. The candidates are distinct, so no positive is among its own negatives (accidental
    hits); the other positives of its query are.

    Args:
      logits: [num_queries, num_candidates].
      queries: [num_positives] integers, rows of `logits`.
      columns: [num_positives] integers, columns of `logits`.
      log_inclusion: [num_candidates], at most 0; zeros where the candidates are the whole catalogue.
      weights: [num_positives] float32, above 0; None: all are 1.
      total: [] float32, the sum of the weights of the whole batch, if the positives are a share of it; None: they are
        all.

    Returns:
      [] float32.
    """
    logits = logits - log_inclusion
    positives = tf.stack([tf.cast(queries, tf.int32), tf.cast(columns, tf.int32)], axis=1)
    losses = tf.gather(tf.reduce_logsumexp(logits, axis=1), queries) - tf.gather_nd(logits, positives)
    if weights is None and total is None:
        return tf.reduce_mean(losses)
    weights = tf.ones_like(losses) if weights is None else weights
    return tf.reduce_sum(weights * losses) / (tf.reduce_sum(weights) if total is None else total)


def draw_candidates(items: tf.Tensor, num_items: int, num_uniform: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the distinct items of a batch and of a uniform draw with replacement.

    The mixture of both kinds of negatives is that of Yang et al., "Mixed Negative Sampling for Learning Two-tower
    Neural Networks" (2020): the batch contributes items as often as they are chosen, the draw the long tail.

    Args:
      items: [n] integers, the batch's positives.
      num_items: size of the catalogue.
      num_uniform: size of the draw.

    Returns:
      [num_candidates] distinct items, and [n] the position of each of `items` among them.
    """
    drawn = tf.random.uniform([num_uniform], maxval=num_items, dtype=items.dtype)
    candidates, positions = tf.unique(tf.concat([items, drawn], axis=0))
    return candidates, positions[: tf.shape(items)[0]]


def log_inclusion(in_batch: tf.Tensor, num_items: int, num_uniform: int) -> tf.Tensor:
    """Returns the logarithm of the probability that a batch's candidates include an item.

    1 - (1 - p)(1 - 1/N)^n: p, the probability that it is one of the batch's positives; N, the size of the catalogue;
    n, that of the uniform draw.

    Args:
      in_batch: [...] float32 probabilities.
      num_items: N, at least 1.
      num_uniform: n.

    Returns:
      [...] float32, at most 0, and no lower than the logarithm of 1e-9.
    """
    missed = (1.0 - in_batch) * (1.0 - 1.0 / num_items) ** num_uniform
    return tf.math.log(tf.clip_by_value(1.0 - missed, 1e-9, 1.0))
