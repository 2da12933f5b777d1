"""Which items follow which: a low-rank model of the order of a user's events, in closed form."""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from recommender.interactions.interactions import Interactions
from recommender.models.low_rank import decompose, scale

_REACH, _DECAY, _BACKWARD = 10, 3.0, 0.5
"""Maximum number of events between two that are a transition, plus 1; the decay of their weight with that number; and
the weight of a transition from the later event to the earlier one."""
_BEFORE_SCALING, _AFTER_SCALING = 0.4, 0.3
"""Rows and columns are divided by these powers of their items' numbers of events."""
_MOST_CELLS = 2**26
"""Maximum number of transitions; the reach is less on larger logs."""


class Transitions(NamedTuple):
    """score = <sum over the user's items j of exp(-place of j / decay) * history[j], items[i]>.

    The latest item has place 0. history: [num_items + 1, rank]; the last row, for unknown items, is 0. items:
    [num_items, rank]; both float32. decay: number of events, above 0.
    """

    history: np.ndarray
    items: np.ndarray
    decay: float


def no_transitions(num_items: int) -> Transitions:
    """Returns transitions of rank 0, whose scores are all 0."""
    return Transitions(np.zeros((num_items + 1, 0), np.float32), np.zeros((num_items, 0), np.float32), 1.0)


def fit_transitions(events: Interactions, rank: int, decay: float, near: Transitions | None = None) -> Transitions:
    """Decomposes the matrix of transitions between items.

    Its entries are the sums of exp(-(d - 1) / 3) over the events of an item that come d events after one of another
    item, d up to 10, plus half of those in the other direction, over n_before^0.4 n_after^0.3, with n the numbers of
    events of the items. Counts of item pairs, decayed with their distance, are the sequential rules of Ludewig and
    Jannach, "Evaluation of Session-based Recommendation Algorithms" (2018). The low rank smooths them, and the square
    roots of the singular values instead of the values themselves keep what is particular to few items.

    Args:
      events: training events.
      rank: maximum number of columns, at least 1; there are no more than items.
      decay: see `Transitions`.
      near: transitions of similar events, from which the decomposition starts.
    """
    matrix = _transition_matrix(events)
    counts = np.maximum(events.popularity, 1).astype(np.float32)
    scale(matrix, counts**-_BEFORE_SCALING, counts**-_AFTER_SCALING)
    left, values, right = decompose(matrix, rank, near.items if near else None)
    history = np.pad(left * np.sqrt(values), [(0, 1), (0, 0)]).astype(np.float32)
    return Transitions(history, right.astype(np.float32), decay)


def _transition_matrix(events: Interactions) -> scipy.sparse.csr_matrix:
    """Returns the weights of transitions from items, in rows, to items, [num_items, num_items] float32."""
    known = events.known
    matrix = scipy.sparse.csr_matrix((events.num_items, events.num_items), dtype=np.float32)
    for distance in range(1, 1 + max(1, min(_REACH, _MOST_CELLS // max(1, 2 * len(known))))):
        is_pair = known.user[:-distance] == known.user[distance:]
        is_pair &= known.item[:-distance] != known.item[distance:]
        cells = known.item[:-distance][is_pair], known.item[distance:][is_pair]
        weights = np.full(len(cells[0]), np.exp(-(distance - 1) / _DECAY), np.float32)
        forward = scipy.sparse.csr_matrix((weights, cells), matrix.shape)
        matrix += forward + _BACKWARD * forward.T
    return matrix.tocsr()
