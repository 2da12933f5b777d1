"""Fits the transitions of retrieval and chooses their constants on held-out events."""

import logging

import numpy as np
import scipy.sparse

from recommender.evaluation.ndcg import CHANCE, NdcgMeasure
from recommender.interactions.contexts import Contexts
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.transitions import Transitions, fit_transitions

_LOG = logging.getLogger("atalaya")
_DECAYS = (0.75, 1.5, 3.0, 6.0, 12.0)


def choose_transitions(events: Interactions, rank: int, contexts: Contexts, measure: NdcgMeasure) -> Transitions:
    """Fits transitions with the decay that has the best measure.

    Args:
      events: training events without the held-out ones.
      rank: maximum number of columns.
      contexts: the users' histories in `events`.
      measure: of the held-out events.
    """
    fitted = fit_transitions(events, rank, _DECAYS[0])
    histories = contexts.histories.take(measure.users)
    values: dict[float, float] = {}
    for decay in _DECAYS:
        values[decay] = measure(decayed_sums(fitted.history, histories, decay), fitted.items)
        if values[decay] < max(values.values()) * (1 - CHANCE):
            break
    decay = max(values, key=lambda decay: values[decay])
    _LOG.info("transitions: rank %d, decay %g; NDCG %.4f", fitted.items.shape[1], decay, values[decay])
    return fitted._replace(decay=decay)


def decayed_sums(vectors: np.ndarray, rows: Ragged, decay: float) -> np.ndarray:
    """Returns the sum of each row's vectors times exp(-place from the end / decay), [num_rows, width] float32."""
    places = rows.row_splits[1:][rows.rows] - 1 - np.arange(len(rows.values))
    shape = len(rows.row_splits) - 1, len(vectors)
    weights = np.exp(-places / decay).astype(np.float32)
    return scipy.sparse.csr_matrix((weights, rows.values, rows.row_splits), shape) @ vectors
