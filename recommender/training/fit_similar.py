"""Fits similar items: a closed form, whose parameters are chosen on held-out events."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.evaluation.intervals import mean_over_users
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.similar_items import genre_vectors, similar_item_vectors, unit_rows
from recommender.training.fit_linear import widest
from recommender.training.similar_measure import AcrossSittings
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
RANKS = (32, 64, 128, 256)
"""Candidate widths, here and below in order of preference."""
GENRE_WEIGHTS = (0.2, 0.1, 0.4, 0.0)
"""Candidate weights of the cosine of genres, relative to the cosine of users."""
_TIE_BREAKER = 1e-4
"""By this much, the most popular item is ahead of one without events if the cosines of both are 0."""


class SimilarVectors(NamedTuple):
    """queries, candidates: [num_items, width] float32; their products score how similar a candidate is to a query."""

    queries: np.ndarray
    candidates: np.ndarray


class _Choice(NamedTuple):
    """rank, across_sittings: as in `similar_item_vectors`. genre_weight: one of `GENRE_WEIGHTS`."""

    rank: int
    across_sittings: bool
    genre_weight: float


def fit_similar(events: HoldOut, catalogue: Catalogue, settings: Settings) -> SimilarVectors:
    """Computes the vectors, with the parameters that find held-out items of other sittings best.

    Args:
      events: training events.
      catalogue: users and items.
      settings: `training` is used.
    """
    choice = _choose(events, catalogue, settings.training.seed)
    fitted = events.interactions if settings.training.refit else events.fitted
    vectors = _fit(fitted, catalogue, choice)
    tie_breaker = _TIE_BREAKER * fitted.popularity / max(1, fitted.popularity.max(initial=0))
    return SimilarVectors(
        np.column_stack([vectors, np.ones(len(vectors), np.float32)]),
        np.column_stack([vectors, tie_breaker.astype(np.float32)]),
    )


def _fit(events: Interactions, catalogue: Catalogue, choice: _Choice) -> np.ndarray:
    vectors = similar_item_vectors(events, catalogue, choice.across_sittings, choice.rank)
    return _joined(vectors, genre_vectors(catalogue, choice.rank), choice.genre_weight)


def _joined(vectors: np.ndarray, genres: np.ndarray, weight: float) -> np.ndarray:
    """Returns vectors whose products are the cosines of `vectors` plus the weighted products of `genres`."""
    return np.concatenate([unit_rows(vectors), np.float32(np.sqrt(weight)) * genres], axis=1)


def _choose(events: HoldOut, catalogue: Catalogue, seed: int) -> _Choice:
    """Chooses one parameter after the other."""
    measure, fitted = AcrossSittings(events, seed), events.fitted
    genre_weights = GENRE_WEIGHTS if len(catalogue.genres.values) else (0.0,)
    ranks = [rank for rank in RANKS if rank <= widest(catalogue)]
    vectors = similar_item_vectors(fitted, catalogue, False, max(ranks))
    genres = genre_vectors(catalogue, max(ranks))
    rank = _first_good(ranks, lambda rank: _joined(vectors[:, :rank], genres, genre_weights[0]), measure)
    sides = (False, True) if events.interactions.has_times else (False,)
    found = {across: similar_item_vectors(fitted, catalogue, across, rank) for across in sides}
    across_sittings = _first_good(sides, lambda across: _joined(found[across], genres, genre_weights[0]), measure)
    chosen = found[across_sittings]
    genre_weight = _first_good(genre_weights, lambda weight: _joined(chosen, genres, weight), measure)
    choice = _Choice(rank, across_sittings, genre_weight)
    _LOG.info("similar items: %s", choice)
    return choice


def _first_good(values: Sequence[Any], fit: Callable[[Any], np.ndarray], measure: AcrossSittings) -> Any:
    """Returns the first of the values whose vectors are not worse than the best ones beyond chance."""
    if len(values) == 1:
        return values[0]
    found = [measure(fit(value)) for value in values]
    best = max(found, key=lambda gains: np.sum(gains))
    is_worse = [mean_over_users(best - gains, measure.users).lower > 0 for gains in found]
    return values[is_worse.index(False)]
