"""How much each part of the retrieval model counts, chosen on held-out events."""

from collections.abc import Callable, Sequence

import numpy as np

LINEAR_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Tried in units that make the linear part's scores as wide as the towers'."""
TREND_WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0)
_LEAST_GAIN = 0.005
"""Share of the measure that a larger weight has to gain; less is chance."""


def choose_weight(measure: Callable[[float], float], weights: Sequence[float]) -> float:
    """The ascending weight that measures best; a larger one must be better by more than chance gives."""
    best, best_value = weights[0], measure(weights[0])
    for weight in weights[1:]:
        value = measure(weight)
        if value > best_value * (1 + _LEAST_GAIN):
            best, best_value = weight, value
    return best


def relative_width(first: np.ndarray, second: np.ndarray) -> float:
    """Mean standard deviation of the rows of `first` over that of `second`, each [n, num_items]; 0 if the latter is."""
    width = float(np.mean(np.std(second, axis=1)))
    return float(np.mean(np.std(first, axis=1))) / width if width else 0.0
