"""How well models rank the next item, with intervals that account for the correlation of a user's windows."""

from typing import NamedTuple

import numpy as np

from recommender.evaluation.intervals import mean_over_users
from recommender.evaluation.ranks import gains, ranks
from schemas.on_device_record import Estimate, Measures, SliceRecord

_NDCG_K = 10
_BUCKETS = ((1, 2), (3, 5), (6, 9), (10, None))
"""Ranges of the number of events in the context, both ends included."""


class Ranked(NamedTuple):
    """Ranks of the labels of n windows, from 1, the best.

    model: [n] ranks in the list of the model. popularity: [n] ranks in the list by popularity. context_length: [n]
    number of events before the label, from 1. user: [n] numbers of the users.
    """

    model: np.ndarray
    popularity: np.ndarray
    context_length: np.ndarray
    user: np.ndarray


def places(scores: np.ndarray, labels: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Computes the ranks of the labels; equal scores get the mean of the ranks that they span.

    Args:
      scores: [n, num_items] or [num_items], of the items 1 to num_items; NaN comes last.
      labels: [n] items, 0 for one that the catalogue lacks.
      excluded: [n, any] items that are not shown, padded with 0.

    Returns:
      [n] float64 from 1; num_items + 1 for a label that is not shown.
    """
    num_items = scores.shape[-1]
    # The additional first column takes the padding.
    left_out = np.zeros((len(labels), num_items + 1), bool)
    np.put_along_axis(left_out, excluded, True, axis=1)
    is_shown = (labels > 0) & ~left_out[np.arange(len(labels)), labels]
    shown = np.broadcast_to(scores, (len(labels), num_items))
    found = ranks(shown, np.where(is_shown, labels - 1, num_items), left_out[:, 1:])
    return np.where(is_shown, found, num_items + 1)


def places_in(lists: np.ndarray, labels: np.ndarray, num_items: int) -> np.ndarray:
    """Returns the ranks of the labels in [n, k] lists, from 1; num_items + 1 if absent, and for label 0."""
    found = (lists == labels[:, None]) & (labels[:, None] > 0)
    return np.where(found.any(axis=1), 1 + found.argmax(axis=1), num_items + 1)


def recall(found: np.ndarray, k: int) -> np.ndarray:
    """Converts [n] ranks to [n] float64: 1 if the label is among the first k, else 0."""
    return (found <= k).astype(np.float64)


def measure(ranked: Ranked) -> tuple[SliceRecord, ...]:
    """Measures all windows, then each non-empty range of context lengths."""
    lengths = ranked.context_length
    slices = [("", np.ones(len(lengths), bool))]
    for first, last in _BUCKETS:
        name = f"{first}+" if last is None else f"{first}-{last}"
        slices.append((name, (lengths >= first) & (lengths <= (last or np.inf))))
    return tuple(
        _slice(name, Ranked(*(column[chosen] for column in ranked)))
        for name, chosen in slices
        if not name or chosen.any()
    )


def _slice(name: str, ranked: Ranked) -> SliceRecord:
    return SliceRecord(
        name=name,
        windows=len(ranked.model),
        users=len(np.unique(ranked.user)),
        model=_measures(ranked.model, ranked.user),
        popularity=_measures(ranked.popularity, ranked.user),
        ndcg_above_popularity=_estimate(gains(ranked.model, _NDCG_K) - gains(ranked.popularity, _NDCG_K), ranked.user),
    )


def _measures(found: np.ndarray, user: np.ndarray) -> Measures:
    return Measures(
        recall_at_10=_estimate(recall(found, 10), user),
        recall_at_50=_estimate(recall(found, 50), user),
        recall_at_100=_estimate(recall(found, 100), user),
        ndcg_at_10=_estimate(gains(found, _NDCG_K), user),
        mean_rank=_estimate(found, user),
    )


def _estimate(values: np.ndarray, user: np.ndarray) -> Estimate:
    return Estimate(**mean_over_users(values, user)._asdict())
