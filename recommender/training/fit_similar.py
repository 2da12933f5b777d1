"""Fits similar items: a closed form, whose parameters are chosen on held-out events."""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from recommender.evaluation.intervals import mean_over_users
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.models.similar_items import similar_item_vectors
from recommender.training.similar_measure import AcrossSittings
from schemas.settings import Settings

Value = TypeVar("Value", bool, int, float)

_LOG = logging.getLogger("atalaya")
RANKS = (16, 32, 64, 128)
"""Candidate widths."""
RATING_WEIGHTS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Candidate weights of agreeing ratings, relative to that of choosing both items."""
_TIE_BREAKER = 1e-4
"""Cosine by which the most popular item is ahead of one without events."""


class SimilarVectors(NamedTuple):
    """queries, candidates: [num_items, width] float32; their products score how similar a candidate is to a query."""

    queries: np.ndarray
    candidates: np.ndarray


class _Choice(NamedTuple):
    """Arguments of `similar_item_vectors`."""

    rating_weight: float
    across_sittings: bool
    rank: int


def fit_similar(events: HoldOut, catalogue: Catalogue, settings: Settings) -> SimilarVectors:
    """Computes the vectors, with the parameters that find held-out items of other sittings best.

    Args:
      events: training events.
      catalogue: users and items.
      settings: `training` is used.
    """
    choice = _choose(events, catalogue, settings.training.seed)
    fitted = events.interactions if settings.training.refit else events.fitted
    vectors = unit_rows(similar_item_vectors(fitted, catalogue, *choice))
    tie_breaker = _TIE_BREAKER * fitted.popularity / max(1, fitted.popularity.max(initial=0))
    return SimilarVectors(
        np.column_stack([vectors, np.ones(len(vectors), np.float32)]),
        np.column_stack([vectors, tie_breaker.astype(np.float32)]),
    )


def _choose(events: HoldOut, catalogue: Catalogue, seed: int) -> _Choice:
    """Chooses one parameter after the other."""
    measure = AcrossSittings(events, seed)

    def vectors(choice: _Choice) -> np.ndarray:
        return similar_item_vectors(events.fitted, catalogue, *choice)

    weights = RATING_WEIGHTS if events.fitted.has_ratings else (0.0,)
    choice = _Choice(weights[len(weights) // 2], False, max(RANKS))
    widest = vectors(choice)
    choice = choice._replace(rank=_best(RANKS, lambda rank: widest[:, :rank], measure))
    weight = _best(weights, lambda weight: vectors(choice._replace(rating_weight=weight)), measure)
    choice = choice._replace(rating_weight=weight)
    pairs = (False, True) if events.interactions.has_times else (False,)
    across = _best(pairs, lambda across: vectors(choice._replace(across_sittings=across)), measure)
    choice = choice._replace(across_sittings=across)
    _LOG.info("similar items: %s", choice)
    return choice


def _best(values: Sequence[Value], vectors: Callable[[Value], np.ndarray], measure: AcrossSittings) -> Value:
    """Returns the middle one of the ascending values whose vectors are not worse than the best ones beyond chance."""
    if len(values) == 1:
        return values[0]
    found = [measure(unit_rows(vectors(value))) for value in values]
    best = max(found, key=lambda shares: np.sum(shares))
    is_worse = [mean_over_users(best - shares, measure.users).lower > 0 for shares in found]
    good = [value for value, worse in zip(values, is_worse, strict=True) if not worse]
    return good[(len(good) - 1) // 2]


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Returns rows, [n, width] float32, scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
