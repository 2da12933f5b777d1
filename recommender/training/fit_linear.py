"""Fits the linear part of retrieval and chooses its constants on held-out events."""

import logging
from typing import NamedTuple

import numpy as np
import scipy.sparse

from recommender.evaluation.ndcg import NdcgMeasure
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import Contexts
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.als import fit_als
from recommender.models.linear import LinearFactors, decompose_linear, place_by_content, user_item_matrix
from recommender.training.blend import relative_width, score_width

_LOG = logging.getLogger("atalaya")
_MOST_NUMBERS = 2**26
"""Maximum size of a part's tables of users and items, unless that would leave them too narrow."""
_RANKS = (512, 256, 128, 64, 48, 32, 24, 16)
_POPULARITIES = (0.6, 1.0)
_ALS_WIDTH = 256
_ALS_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_ALS_EPOCHS = 2
_WORTH = 0.005
"""Share by which the measure must improve to be worth a wider table."""
_USERS_COMPARED = 128


class LinearChoice(NamedTuple):
    """The constants of the linear part.

    rank, popularity: see `Spectrum.factors`. als_width: width of the vectors of alternating least squares. als_weight:
    of their scores, in units in which these vary as much as those of the decomposition. vectors: [num_items, k]
    float32, singular vectors from which another decomposition starts.
    """

    rank: int
    popularity: float
    als_width: int
    als_weight: float
    vectors: np.ndarray


def choose_linear(
    events: Interactions, catalogue: Catalogue, content_weight: float, contexts: Contexts, measure: NdcgMeasure
) -> tuple[LinearChoice, LinearFactors]:
    """Chooses the constants with the best measure, one after the other; returns them and the factors of the fit.

    Args:
      events: training events without the held-out ones.
      catalogue: users and items.
      content_weight: see `decompose_linear`.
      contexts: the users' histories in `events`.
      measure: of the held-out events.
    """
    matrix, most = user_item_matrix(events), widest(catalogue)
    spectrum = decompose_linear(matrix, catalogue, most, content_weight)
    histories = contexts.histories.take(measure.users)

    def value(factors: LinearFactors) -> float:
        return measure(sums_of(factors.history, histories), factors.items)

    rank, found = 0, 0.0
    for wider in (rank for rank in reversed(_RANKS) if rank <= most):
        value_of_wider = value(spectrum.factors(wider, _POPULARITIES[0]))
        if rank and value_of_wider <= found * (1 + _WORTH):
            break
        rank, found = wider, value_of_wider
    least, *others = _POPULARITIES
    of_powers = {least: found} | {power: value(spectrum.factors(rank, power)) for power in others}
    popularity = max(_POPULARITIES, key=lambda power: of_powers[power])
    projected = spectrum.factors(rank, popularity)
    width = min(_ALS_WIDTH, most)
    als = _als_factors(matrix, spectrum.vectors[:, :width], catalogue)
    scaled = _scaled(als, projected, contexts)
    first, second = ((sums_of(one.history, histories), one.items) for one in (projected, scaled))
    measured = measure.along(first, second, _ALS_WEIGHTS)
    weight, best = _ALS_WEIGHTS[int(np.argmax(measured))], max(measured)
    text = "linear part: rank %d, popularity^%g, least squares of width %d times %g; NDCG %.4f"
    _LOG.info(text, rank, popularity, width, weight, best)
    chosen = LinearChoice(rank, popularity, width, weight, spectrum.vectors[:, : max(rank, width)])
    return chosen, _joined(projected, scaled, weight)


def fit_linear(
    events: Interactions, catalogue: Catalogue, content_weight: float, contexts: Contexts, choice: LinearChoice
) -> LinearFactors:
    """Fits the linear part with chosen constants; other arguments as of `choose_linear`."""
    matrix = user_item_matrix(events)
    rank = max(choice.rank, choice.als_width)
    spectrum = decompose_linear(matrix, catalogue, rank, content_weight, choice.vectors)
    projected = spectrum.factors(choice.rank, choice.popularity)
    als = _als_factors(matrix, spectrum.vectors[:, : choice.als_width], catalogue)
    return _joined(projected, _scaled(als, projected, contexts), choice.als_weight)


def sums_of(vectors: np.ndarray, rows: Ragged) -> np.ndarray:
    """Returns the sum of each row's vectors over the root of their number, [num_rows, width] float32."""
    counts = np.diff(rows.row_splits)
    shape = len(counts), len(vectors)
    values = np.repeat((1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32), counts)
    return scipy.sparse.csr_matrix((values, rows.values, rows.row_splits), shape) @ vectors


def widest(catalogue: Catalogue) -> int:
    """Returns the maximum width of a part's vectors: less if there are many users and items."""
    rows = catalogue.num_users + catalogue.num_items
    return next((rank for rank in _RANKS[:4] if rank * rows <= _MOST_NUMBERS), _RANKS[3])


def _als_factors(matrix: scipy.sparse.csr_matrix, vectors: np.ndarray, catalogue: Catalogue) -> LinearFactors:
    als = fit_als(matrix, vectors, _ALS_EPOCHS)
    is_new = np.bincount(matrix.indices, minlength=len(vectors)) == 0
    history = np.concatenate([als.history, np.zeros_like(als.history[:1])])
    return LinearFactors(history, place_by_content(als.items, is_new, catalogue))


def _scaled(factors: LinearFactors, like: LinearFactors, contexts: Contexts) -> LinearFactors:
    """Scales factors so that their scores vary as much as those of others."""
    histories = contexts.histories.take(np.flatnonzero(np.diff(contexts.histories.row_splits))[:_USERS_COMPARED])
    given, own = (sums_of(one.history, histories) @ one.items.T for one in (like, factors))
    return factors._replace(history=np.float32(relative_width(score_width(given), own)) * factors.history)


def _joined(first: LinearFactors, second: LinearFactors, weight: float) -> LinearFactors:
    """Returns factors with the scores of the first + weight * those of the second."""
    history = np.concatenate([first.history, np.float32(weight) * second.history], axis=1)
    return LinearFactors(history, np.concatenate([first.items, second.items], axis=1))
