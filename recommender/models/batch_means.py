"""The error of a mean over a Markov chain."""

import numpy as np

_BATCH = 10
"""Number of successive draws in a batch."""


class BatchMeans:
    """The standard error of the mean of successive, dependent draws, from the means of batches.

    Means of batches are nearly independent, so the variance of their mean is theirs over their number (Geyer,
    "Practical Markov Chain Monte Carlo", 1992).
    """

    def __init__(self) -> None:
        """Starts without draws."""
        self._means: list[np.ndarray] = []
        self._batch: list[np.ndarray] = []

    def add(self, values: np.ndarray) -> None:
        """Adds a draw of [n] values."""
        self._batch.append(values)
        if len(self._batch) == _BATCH:
            self._means.append(np.mean(self._batch, axis=0))
            self._batch = []

    def squared_error(self) -> float:
        """Returns the squared standard error, averaged over the values; infinite with fewer than three batches."""
        if len(self._means) < 3:
            return float("inf")
        return float(np.mean(np.var(self._means, axis=0, ddof=1)) / len(self._means))
