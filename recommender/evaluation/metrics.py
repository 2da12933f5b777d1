"""Metrics as means of per-example numbers. Pure: no TensorFlow, no Beam.

An example is one rating of the evaluation split. Its rank is the position of its item among all candidates
that its user has not seen in training: 1 is the top, ties count as the mean of the ranks they span. Per example,
the measures with their sources are

* top-K accuracy: 1 if rank <= K else 0 (recall of a single relevant item, also called hit rate);
* NDCG@K with one relevant item: 1 / log2(1 + rank) if rank <= K else 0 (Jarvelin and Kekalainen, "Cumulated
  gain-based evaluation of IR techniques", 2002; the ideal gain is 1);
* reciprocal rank: 1 / rank (Voorhees, "The TREC-8 question answering track report", 1999).
"""

import math

from schemas.metrics import NDCG_K, TOP_K


def contributions(rank: float, popularity_rank: float, rating: float, bias_rating: float, label: float) -> list[float]:
    """What one example adds to every sum, in the order that `from_means` reads.

    Args:
      rank: the item's rank under the retrieval model, at least 1.
      popularity_rank: the item's rank by training popularity, at least 1.
      rating: the ranking model's rating.
      bias_rating: the rating that user and item biases alone predict.
      label: the rating given.
    """
    return [
        *_of_rank(rank),
        *_of_rank(popularity_rank),
        (rating - label) ** 2,
        abs(rating - label),
        (bias_rating - label) ** 2,
        abs(bias_rating - label),
    ]


def from_means(means: list[float]) -> dict[str, float]:
    """All metrics by name, from the means of `contributions` over the examples.

    `lift_over_popularity` is NDCG's difference to popularity's, `lift_over_bias` the bias baseline's RMSE minus the
    model's: both are above 0 where the model is better.
    """
    ranks = len(_RANK_NAMES)
    metrics = dict(zip(_RANK_NAMES, means[:ranks], strict=True))
    metrics |= {f"popularity_{name}": mean for name, mean in zip(_RANK_NAMES, means[ranks : 2 * ranks], strict=True)}
    squared, absolute, bias_squared, bias_absolute = means[2 * ranks :]
    metrics |= {"rmse": math.sqrt(squared), "mae": absolute}
    metrics |= {"bias_rmse": math.sqrt(bias_squared), "bias_mae": bias_absolute}
    ndcg = f"ndcg_at_{NDCG_K}"
    metrics["lift_over_popularity"] = metrics[ndcg] - metrics[f"popularity_{ndcg}"]
    metrics["lift_over_bias"] = metrics["bias_rmse"] - metrics["rmse"]
    return metrics


_RANK_NAMES = [*(f"top_{k}_accuracy" for k in TOP_K), f"ndcg_at_{NDCG_K}", "mrr"]


def _of_rank(rank: float) -> list[float]:
    gain = 1 / math.log2(1 + rank) if rank <= NDCG_K else 0.0
    return [*(float(rank <= k) for k in TOP_K), gain, 1 / rank]
