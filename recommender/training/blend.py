"""How much each part of the retrieval model counts, chosen on held-out events."""

from collections.abc import Callable, Sequence

import numpy as np

from recommender.evaluation.ndcg import CHANCE

LINEAR_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Tried in units that make the linear part's scores as wide as the towers'."""
TREND_WEIGHTS = (0.0, 0.5, 1.0, 1.5)
"""With 1, an item's recent share of the events takes the place of its share of all."""


def choose_weight(measure: Callable[[float], float], weights: Sequence[float]) -> float:
    """The middle one of the ascending weights that measure as well as the best, but for what chance gives."""
    values = np.array([measure(weight) for weight in weights])
    values[~np.isfinite(values)] = -np.inf
    good = np.flatnonzero(values >= values.max() * (1 - CHANCE))
    return weights[good[(len(good) - 1) // 2]]


def relative_width(first: np.ndarray, second: np.ndarray) -> float:
    """Mean standard deviation of the rows of `first` over that of `second`, each [n, num_items]; 0 if the latter is."""
    width = float(np.mean(np.std(second, axis=1)))
    return float(np.mean(np.std(first, axis=1))) / width if width else 0.0
