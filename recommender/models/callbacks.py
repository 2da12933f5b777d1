"""Callbacks of a fit: stopping at the best epoch, and progress."""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_LOG = logging.getLogger("atalaya")
_SECONDS_BETWEEN_REPORTS = 0.1


class BestEpoch(tf.keras.callbacks.Callback):
    """Measures the model after each epoch, stops when it no longer improves, and restores the best epoch.

    Unlike Keras's EarlyStopping, it accepts any function as measure, and also restores when the epochs run out. After
    the fit, `epoch` (from 1) and `value` are those of the best; a measure that is not finite is never the best.
    """

    def __init__(
        self,
        measure: Callable[[], float],
        label: str,
        higher_is_better: bool,
        patience: int,
        first: int = 1,
        tolerance: float = 0.0,
    ):
        """Sets the rule: stop after `patience` consecutive epochs without improvement.

        Epochs before `first` are not measured: they mean little while the learning rate is high. A later epoch that is
        worse than the best by less than the share `tolerance` is restored in its place.
        """
        super().__init__()
        self.label, self.epoch, self.value = label, 0, math.nan
        self._best, self._tolerance = math.nan, tolerance
        self._measure, self._sign, self._patience = measure, 1 if higher_is_better else -1, patience
        self._first, self._idle = first, 0
        self._weights: list = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Measures the model; `logs` is shared by all callbacks, so that later ones see the measure too."""
        if epoch + 1 < self._first:
            return
        logs["validation"] = value = self._measure()
        _LOG.debug("epoch %d: loss %.4f, %s %.4f", epoch + 1, logs["loss"], self.label, value)
        gain, unit = math.inf, 0.0
        if self.epoch:
            gain, unit = self._sign * (value - self._best), abs(self._best)
        is_better = math.isfinite(value) and gain > 0
        self._idle = 0 if is_better else self._idle + 1
        if is_better:
            self._best = value
        if is_better or (math.isfinite(value) and gain > -self._tolerance * unit):
            self._weights = []  # two copies might not fit in memory
            self.epoch, self.value, self._weights = epoch + 1, value, self.model.get_weights()
        self.model.stop_training = self._idle >= self._patience

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the best epoch.

        Raises:
          FloatingPointError: no epoch had a finite measure.
        """
        if not self.epoch:
            raise FloatingPointError(
                f"{self.label} was not a finite number after any epoch: the training diverged; lower the learning rate"
            )
        self.model.set_weights(self._weights)
        self._weights = []


class ProgressLog:
    """Logs progress at most ten times a second: records with `progress` = (what, done, total)."""

    def __init__(self, total: int):
        self._total, self._reported = total, 0.0

    def __call__(self, what: str, done: int) -> None:
        """Logs if the last record is old enough or everything is done."""
        now = time.monotonic()
        if done == self._total or now - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._reported = now
            _LOG.debug("%s: %d of %d", what, done, self._total, extra={"progress": (what, done, self._total)})


class Progress(tf.keras.callbacks.Callback):
    """Reports each batch to a `ProgressLog`."""

    def __init__(self, name: str, num_batches: int):
        super().__init__()
        self._name, self._what, self._log = name, name, ProgressLog(num_batches)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Names the epoch."""
        self._what = f"{self._name} epoch {epoch + 1}/{self.params['epochs']}"

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Reports the number of batches done."""
        self._log(self._what, batch + 1)
