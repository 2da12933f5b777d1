"""How models are fitted."""

import logging
import time
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_recommenders as tfrs
from tensorflow.python.autograph.core import config as autograph

from recommender.models.callbacks import BestEpoch, Progress

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
    """Fits a model, with progress in the log.

    Args:
      name: of the model, for people.
      model: as it is left, unless `best` takes it back to an earlier epoch.
      batches: one epoch.
      num_batches: in it.
      optimizer: new.
      epochs: at most.
      best: when to stop; absent, after all epochs.
      logs: folder for TensorBoard, or None.
    """
    _spare_autograph()
    callbacks = [] if best is None else [best]
    callbacks.append(Progress(name, num_batches))
    if logs is not None:
        folder = str(Path(logs) / name)
        callbacks.append(tf.keras.callbacks.TensorBoard(folder, write_graph=False, profile_batch=0))
    begin = time.monotonic()
    model.compile(optimizer=optimizer)
    history = model.fit(batches, epochs=epochs, callbacks=callbacks, verbose=0)
    found = "" if best is None else f", best {best.label} {best.value:.4f} after epoch {best.epoch}"
    _LOG.info("%s: %d epochs in %.0f s%s", name, len(history.epoch), time.monotonic() - begin, found)


def cosine_adam(learning_rate: float, num_batches: int, epochs: int) -> tf.keras.optimizers.Adam:
    """Adam with a learning rate that falls to 0 along a cosine over all epochs (Loshchilov and Hutter, 2017)."""
    steps = max(1, num_batches * epochs)
    return _FusedAdam(tf.keras.optimizers.schedules.CosineDecay(learning_rate, steps))


class _FusedAdam(tf.keras.optimizers.Adam):
    """Adam whose step is one pass over a variable's memory, compiled by XLA, where TensorFlow's are some ten.

    With tens of thousands of users, that halves the time of a batch: Adam changes all rows, whichever the batch held.
    Keras does so on GPUs alone. Gradients of some rows become dense, with the same result: XLA would compile the step
    again for each number of rows.
    """

    def __init__(self, learning_rate: tf.keras.optimizers.schedules.LearningRateSchedule):
        super().__init__(learning_rate)
        self.jit_compile = True

    def apply_gradients(self, grads_and_vars: Any, *positional: Any, **named: Any) -> Any:
        dense = [(tf.convert_to_tensor(gradient), variable) for gradient, variable in grads_and_vars]
        return super().apply_gradients(dense, *positional, **named)


def _spare_autograph() -> None:
    """Keeps AutoGraph from rewriting Keras and the models, which need no rewriting and take it half a minute.

    TensorFlow 2.16 has such a rule for `keras` alone, not for `tf_keras`, which replaces it here.
    """
    for module in ("tf_keras", "recommender.models"):
        rule = autograph.DoNotConvert(module)
        if str(rule) not in map(str, autograph.CONVERSION_RULES):
            autograph.CONVERSION_RULES = (rule, *autograph.CONVERSION_RULES)
