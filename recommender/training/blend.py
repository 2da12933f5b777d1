"""Weights of the parts of the retrieval model, chosen on held-out events."""

from collections.abc import Sequence

import numpy as np

from recommender.evaluation.ndcg import CHANCE


def choose_weight(weights: Sequence[float], values: Sequence[float]) -> float:
    """Returns the middle one of the ascending weights whose values differ from the best only by chance."""
    measured = np.where(np.isfinite(values), values, -np.inf)
    good = np.flatnonzero(measured >= measured.max() * (1 - CHANCE))
    return weights[good[(len(good) - 1) // 2]]


def relative_width(first: np.ndarray, second: np.ndarray) -> float:
    """Divides the mean standard deviation of `first`'s rows by `second`'s, [n, num_items] each; 0 if that is 0."""
    width = float(np.mean(np.std(second, axis=1)))
    return float(np.mean(np.std(first, axis=1))) / width if width else 0.0
