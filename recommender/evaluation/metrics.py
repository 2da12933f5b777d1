"""Metrics as functions of means of per-event numbers.

An event is one rating of the evaluation split. Its rank is the position of its item among all candidates
that its user has not seen in training: 1 is the top, ties count as the mean of the ranks they span. Per event,
the measures with their sources are

* top-K accuracy: 1 if rank <= K else 0 (recall of a single relevant item, also called hit rate);
* NDCG@K with one relevant item: `recommender.evaluation.ranks.gains`;
* reciprocal rank: 1 / rank (Voorhees, "The TREC-8 question answering track report", 1999).
"""

import numpy as np

from recommender.evaluation.ranks import gains
from schemas.metrics import NDCG_K, TOP_K

_RANK_NAMES = [*(f"top_{k}_accuracy" for k in TOP_K), f"ndcg_at_{NDCG_K}", "mrr"]


def contributions(
    rank: np.ndarray,
    popularity_rank: np.ndarray,
    rating: np.ndarray | None = None,
    bias_rating: np.ndarray | None = None,
    label: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the contribution of each event to every sum, in the order that `from_means` expects.

    Args:
      rank: [n] the item's rank under the retrieval model, at least 1.
      popularity_rank: [n] the item's rank by training popularity, at least 1.
      rating: [n] the ranking model's rating; None, like the others below, from a model that predicts no ratings.
      bias_rating: [n] the rating that user and item biases alone predict.
      label: [n] the rating given; NaN where there is none.

    Returns:
      [n, number of sums] float64.
    """
    columns = [*_of_ranks(rank), *_of_ranks(popularity_rank)]
    if rating is not None and bias_rating is not None and label is not None:
        is_rated = ~np.isnan(label)
        errors, bias_errors = (np.where(is_rated, predicted - label, 0) for predicted in (rating, bias_rating))
        columns += [errors**2, np.abs(errors), bias_errors**2, np.abs(bias_errors), is_rated]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=-1)


def from_means(means: np.ndarray) -> dict[str, np.ndarray]:
    """Computes all metrics by name, [...] each, from the means of `contributions`, [..., number of sums].

    `lift_over_popularity` is the model's NDCG minus that of popularity, `lift_over_bias` the bias baseline's RMSE minus
    the model's: both are above 0 if the model is better. Metrics of ratings are those of the events with a rating, NaN
    if there is none, and left out for a model that predicts no ratings.
    """
    columns = np.moveaxis(means, -1, 0)
    ranks = len(_RANK_NAMES)
    metrics = dict(zip(_RANK_NAMES, columns[:ranks], strict=True))
    metrics |= {f"popularity_{name}": mean for name, mean in zip(_RANK_NAMES, columns[ranks : 2 * ranks], strict=True)}
    ndcg = f"ndcg_at_{NDCG_K}"
    lift_over_popularity = metrics[ndcg] - metrics[f"popularity_{ndcg}"]
    if not len(columns[2 * ranks :]):
        return metrics | {"lift_over_popularity": lift_over_popularity}
    share = np.where(columns[-1] > 0, columns[-1], np.nan)
    squared, absolute, bias_squared, bias_absolute = (column / share for column in columns[2 * ranks : -1])
    metrics |= {"rmse": np.sqrt(squared), "mae": absolute}
    metrics |= {"bias_rmse": np.sqrt(bias_squared), "bias_mae": bias_absolute}
    metrics["lift_over_popularity"] = lift_over_popularity
    metrics["lift_over_bias"] = metrics["bias_rmse"] - metrics["rmse"]
    return metrics


def _of_ranks(rank: np.ndarray) -> list[np.ndarray]:
    return [*(rank <= k for k in TOP_K), gains(rank, NDCG_K), 1 / rank]
