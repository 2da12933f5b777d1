"""Weights of the parts of the retrieval model, chosen on held-out events."""

from collections.abc import Callable, Sequence

import numpy as np

from recommender.evaluation.ndcg import CHANCE

LINEAR_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Candidate weights of the linear part, in units in which its scores vary as much as the towers'."""
TREND_WEIGHTS = (0.0, 0.5, 1.0, 1.5)
"""Candidate weights of the trend; with 1, an item's share of the recent events replaces its share of all."""


def choose_weight(measure: Callable[[float], float], weights: Sequence[float]) -> float:
    """Returns the middle one of the ascending weights whose measures differ from the best only by chance."""
    values = np.array([measure(weight) for weight in weights])
    values[~np.isfinite(values)] = -np.inf
    good = np.flatnonzero(values >= values.max() * (1 - CHANCE))
    return weights[good[(len(good) - 1) // 2]]


def relative_width(first: np.ndarray, second: np.ndarray) -> float:
    """Divides the mean standard deviation of `first`'s rows by `second`'s, [n, num_items] each; 0 if that is 0."""
    width = float(np.mean(np.std(second, axis=1)))
    return float(np.mean(np.std(first, axis=1))) / width if width else 0.0
