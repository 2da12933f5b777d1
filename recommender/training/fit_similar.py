"""Fits similar items: a closed form, whose parameters are chosen on held-out events."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.evaluation.intervals import mean_over_users
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.similar_items import similar_item_vectors
from recommender.training.similar_measure import AcrossSittings
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
RANKS = (16, 32, 64, 128)
"""Candidate widths."""
RATING_WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Candidate weights of agreeing ratings: with 1, two ratings a standard deviation above what is expected count as much
as choosing both items."""
POPULARITY_WEIGHTS = (0.0, 0.1, 0.2)
"""Candidate powers of the number of users by which a cosine is multiplied."""
_TIE_BREAKER = 1e-4
"""By this much, the most popular item is ahead of one without events if the cosines of both are 0."""


class SimilarVectors(NamedTuple):
    """queries, candidates: [num_items, width] float32; their products score how similar a candidate is to a query."""

    queries: np.ndarray
    candidates: np.ndarray


class _Choice(NamedTuple):
    """rating_weight, across_sittings, rank: as in `similar_item_vectors`. popularity_weight: see the candidates."""

    rating_weight: float
    across_sittings: bool
    rank: int
    popularity_weight: float


def fit_similar(events: HoldOut, catalogue: Catalogue, settings: Settings) -> SimilarVectors:
    """Computes the vectors, with the parameters that find held-out items of other sittings best.

    Args:
      events: training events.
      catalogue: users and items.
      settings: `training` is used.
    """
    choice = _choose(events, catalogue, settings.training.seed)
    fitted = events.interactions if settings.training.refit else events.fitted
    queries, candidates = _fit(fitted, catalogue, choice)
    tie_breaker = _TIE_BREAKER * fitted.popularity / max(1, fitted.popularity.max(initial=0))
    return SimilarVectors(
        np.column_stack([queries, np.ones(len(queries), np.float32)]),
        np.column_stack([candidates, tie_breaker.astype(np.float32)]),
    )


def _fit(events: Interactions, catalogue: Catalogue, choice: _Choice) -> SimilarVectors:
    vectors = similar_item_vectors(events, catalogue, choice.rating_weight, choice.across_sittings, choice.rank)
    return _weighted(vectors, events.distinct.popularity, choice.popularity_weight)


def _weighted(vectors: np.ndarray, popularity: np.ndarray, weight: float) -> SimilarVectors:
    """Returns vectors whose products are the cosines of `vectors` times a power of the popularity of the candidate."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(lengths > 0, lengths, 1)
    return SimilarVectors(units, units * np.maximum(popularity, 1)[:, np.newaxis].astype(np.float32) ** weight)


def _choose(events: HoldOut, catalogue: Catalogue, seed: int) -> _Choice:
    """Chooses one parameter after the other."""
    measure = AcrossSittings(events, seed)
    fitted, popularity = events.fitted, events.fitted.distinct.popularity
    weights = RATING_WEIGHTS if fitted.has_ratings else (0.0,)
    choice = _Choice(weights[len(weights) // 2], False, max(RANKS), 0.0)
    widest = similar_item_vectors(fitted, catalogue, *choice[:3])
    choice = choice._replace(rank=_best(RANKS, lambda rank: _weighted(widest[:, :rank], popularity, 0.0), measure))

    def improve(choice: _Choice, name: str, values: Sequence[Any]) -> _Choice:
        best = _best(values, lambda value: _fit(fitted, catalogue, choice._replace(**{name: value})), measure)
        return choice._replace(**{name: best})

    choice = improve(choice, "rating_weight", weights)
    choice = improve(choice, "across_sittings", (False, True) if events.interactions.has_times else (False,))
    choice = improve(choice, "popularity_weight", POPULARITY_WEIGHTS)
    _LOG.info("similar items: %s", choice)
    return choice


def _best(values: Sequence[Any], fit: Callable[[Any], SimilarVectors], measure: AcrossSittings) -> Any:
    """Returns the middle one of the ascending values whose vectors are not worse than the best ones beyond chance."""
    if len(values) == 1:
        return values[0]
    found = [measure(*fit(value)) for value in values]
    best = max(found, key=lambda gains: np.sum(gains))
    is_worse = [mean_over_users(best - gains, measure.users).lower > 0 for gains in found]
    good = [value for value, worse in zip(values, is_worse, strict=True) if not worse]
    return good[(len(good) - 1) // 2]
