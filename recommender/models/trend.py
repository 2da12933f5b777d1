"""Recent popularity relative to that of the whole training period."""

import numpy as np

_SECONDS_A_DAY = 86_400
_PRIOR = 3.0
"""Events of prior evidence for an item's long-term rate."""


def popularity_trend(items: np.ndarray, timestamps: np.ndarray, num_items: int, days: float) -> np.ndarray:
    """Returns the logarithm of how much more popular each item is lately than in all training events.

    log((n + c) / (e + c)): n, the item's events, each weighted by exp(-age / days); e, the number expected if its
    share of the recent events were its share of all; c, a prior (the mean of a gamma posterior of the ratio, with
    c events of evidence for 1).

    Args:
      items: [n] indices in `[0, num_items]`.
      timestamps: [n] seconds; ages are counted from the latest.
      num_items: number of known items.
      days: decay time, above 0.

    Returns:
      [num_items] float32; 0 for an item without events.
    """
    ages = (timestamps.max() - timestamps) / _SECONDS_A_DAY
    weights = np.exp(-ages / days)
    recent = np.bincount(items, weights, num_items + 1)[:num_items]
    expected = np.bincount(items, minlength=num_items + 1)[:num_items] * (weights.sum() / len(items))
    return np.log((recent + _PRIOR) / (expected + _PRIOR)).astype(np.float32)
