"""Weights of the parts of the retrieval model, chosen on held-out events."""

from collections.abc import Sequence

import numpy as np

from recommender.evaluation.ndcg import CHANCE


def choose_weight(weights: Sequence[float], values: Sequence[float]) -> float:
    """Returns the middle one, of two the larger, of the ascending weights whose values are the best but for chance."""
    measured = np.where(np.isfinite(values), values, -np.inf)
    good = np.flatnonzero(measured >= measured.max() * (1 - CHANCE))
    return weights[good[len(good) // 2]]


def score_width(scores: np.ndarray) -> float:
    """Returns the mean standard deviation of the rows, [n, num_items]."""
    return float(np.mean(np.std(scores, axis=1)))


def relative_width(width: float, scores: np.ndarray) -> float:
    """Returns the factor that gives scores, [n, num_items], a width; 0 if they do not vary."""
    own = score_width(scores)
    return width / own if own else 0.0
