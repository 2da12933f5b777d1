"""Fits a Keras model."""

import logging
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.models.autograph import exempt_models
from recommender.models.callbacks import BestEpoch, Progress
from recommender.models.fused_adam import FusedAdam

_LOG = logging.getLogger("atalaya")


def fit(
    name: str,
    model: tfrs.Model,
    batches: tf.data.Dataset,
    num_batches: int,
    optimizer: tf.keras.optimizers.Optimizer,
    epochs: int,
    best: BestEpoch | None = None,
    logs: str | None = None,
) -> None:
    """Fits a model, with progress in the log; arguments as of `fit_further`, and a new optimizer."""
    model.compile(optimizer=optimizer)
    fit_further(name, model, batches, num_batches, epochs, best, logs)
    model.compile()  # frees the optimizer's state, which is twice as large as the model


def fit_further(
    name: str,
    model: tfrs.Model,
    batches: tf.data.Dataset,
    num_batches: int,
    epochs: int,
    best: BestEpoch | None = None,
    logs: str | None = None,
) -> None:
    """Fits a compiled model, and keeps its optimizer and traced step for a further fit.

    Args:
      name: name of the model in the log and in TensorBoard.
      model: the model, which is fitted in place.
      batches: the batches of one epoch, or those of all epochs, distributed to several devices.
      num_batches: number of batches in an epoch.
      epochs: maximum number of epochs.
      best: decides when to stop, and restores the best epoch; None: stop after all epochs.
      logs: folder for TensorBoard, or None.
    """
    exempt_models()
    callbacks = [] if best is None else [best]
    callbacks.append(Progress(name, num_batches))
    if logs is not None:
        folder = str(Path(logs) / name)
        callbacks.append(tf.keras.callbacks.TensorBoard(folder, write_graph=False, profile_batch=0))
    begin = time.monotonic()
    steps = num_batches if isinstance(batches, tf.distribute.DistributedDataset) else None
    history = model.fit(batches, epochs=epochs, steps_per_epoch=steps, callbacks=callbacks, verbose=0)
    found = "" if best is None else f", best {best.label} {best.value:.4f} after epoch {best.epoch}"
    _LOG.info("%s: %d epochs in %.0f s%s", name, len(history.epoch), time.monotonic() - begin, found)


def cosine_adam(learning_rate: float, num_batches: int, epochs: int) -> tf.keras.optimizers.Adam:
    """Adam with a learning rate that falls to 0 over all epochs."""
    return FusedAdam(CosineDecay(learning_rate, num_batches * epochs))


class CosineDecay(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that falls to 0 along a cosine (Loshchilov and Hutter, 2017) and can start again."""

    def __init__(self, learning_rate: float, steps: int):
        """Starts at step 0."""
        self._rate, self._begin, self._steps = (tf.Variable(0.0, trainable=False) for _ in range(3))
        self.start(learning_rate, steps, 0)

    def start(self, learning_rate: float, steps: int, begin: int) -> None:
        """Lets the rate fall from `learning_rate` to 0 within `steps` steps from step `begin` on."""
        for variable, value in ((self._rate, learning_rate), (self._begin, begin), (self._steps, max(1, steps))):
            variable.assign(value)

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the rate at a step, []."""
        share = tf.clip_by_value((tf.cast(step, tf.float32) - self._begin) / self._steps, 0.0, 1.0)
        return self._rate * (1 + tf.cos(np.pi * share)) / 2
