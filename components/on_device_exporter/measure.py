"""How well models rank the item that came next, with intervals that know that a user's windows are alike."""

from typing import NamedTuple

import numpy as np

from schemas.on_device_record import Estimate, Measures, SliceRecord

_QUANTILE = 1.959964
"""Of the normal distribution: 95 % lie within so many standard errors."""
_BUCKETS = ((1, 2), (3, 5), (6, 9), (10, None))
"""Events in the context, first and last."""


class Ranked(NamedTuple):
    """Places of the labels of n windows, 1 the best, in the list that the model shows and in that by popularity.

    model: [n]. popularity: [n]. context_length: [n] events before the label, from 1. user: [n], who it is.
    """

    model: np.ndarray
    popularity: np.ndarray
    context_length: np.ndarray
    user: np.ndarray


def places(scores: np.ndarray, labels: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Where the labels stand when items are shown by falling score, equal ones by their numbers, as `top_k` does.

    Args:
      scores: [n, num_items] or [num_items], of the items 1 to num_items; what is not a number comes last.
      labels: [n] items, 0 for one that the catalogue lacks.
      excluded: [n, any] items that are not shown, 0 for none.

    Returns:
      [n] from 1; num_items + 1 for a label that is not shown.
    """
    rows = np.arange(len(labels))
    shown = np.where(np.isnan(scores), -np.inf, scores).astype(np.float64)
    # A column before the first takes what stands for no item.
    shown = np.pad(np.broadcast_to(shown, (len(labels), shown.shape[-1])), [[0, 0], [1, 0]])
    is_shown = np.ones(shown.shape, bool)
    is_shown[rows[:, None], excluded] = False
    is_shown[:, 0] = False
    own = shown[rows, labels][:, None]
    before = (shown > own) | ((shown == own) & (np.arange(shown.shape[1]) < labels[:, None]))
    return np.where(is_shown[rows, labels], 1 + (before & is_shown).sum(axis=1), shown.shape[1])


def places_in(lists: np.ndarray, labels: np.ndarray, num_items: int) -> np.ndarray:
    """Where the labels stand in [n, k] lists of items, from 1; num_items + 1 where they do not, as for label 0."""
    found = (lists == labels[:, None]) & (labels[:, None] > 0)
    return np.where(found.any(axis=1), 1 + found.argmax(axis=1), num_items + 1)


def recall(ranks: np.ndarray, k: int) -> np.ndarray:
    """[n] places to [n]: 1 where the label is among the first k, else 0."""
    return (ranks <= k).astype(np.float64)


def ndcg(ranks: np.ndarray, k: int = 10) -> np.ndarray:
    """[n] places to [n]: 1 / log2(1 + place) up to place k, else 0; with one relevant item the ideal sum is 1."""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def estimate(values: np.ndarray, user: np.ndarray) -> Estimate:
    """The mean of [n] values and its 95 % interval, in which a user counts as one draw, however many his windows.

    The variance of a mean over clusters of unequal sizes, as of a ratio (Cochran, Sampling Techniques, 3rd ed., 9A.2):
    G / (G - 1) times the sum of the users' squared sums of deviations, divided by n squared.
    """
    if not len(values):
        return Estimate(value=np.nan, lower=np.nan, upper=np.nan)
    mean = float(np.mean(values))
    _, group = np.unique(user, return_inverse=True)
    sums = np.bincount(group, values - mean)
    if len(sums) < 2:
        return Estimate(value=mean, lower=np.nan, upper=np.nan)
    error = float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))
    return Estimate(value=mean, lower=mean - _QUANTILE * error, upper=mean + _QUANTILE * error)


def measure(ranked: Ranked) -> tuple[SliceRecord, ...]:
    """All windows, then those of each length of context that there are."""
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
        ndcg_above_popularity=estimate(ndcg(ranked.model) - ndcg(ranked.popularity), ranked.user),
    )


def _measures(ranks: np.ndarray, user: np.ndarray) -> Measures:
    def mean(values: np.ndarray) -> Estimate:
        return estimate(values, user)

    return Measures(
        recall_at_10=mean(recall(ranks, 10)),
        recall_at_50=mean(recall(ranks, 50)),
        recall_at_100=mean(recall(ranks, 100)),
        ndcg_at_10=mean(ndcg(ranks)),
        mean_rank=mean(ranks.astype(np.float64)),
    )
