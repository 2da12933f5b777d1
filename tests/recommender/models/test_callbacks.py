import logging

import numpy as np
import pytest
import tensorflow as tf

from recommender.models.callbacks import BestEpoch, Progress


def fit(
    values: list[float],
    patience: int,
    higher_is_better: bool = True,
    first: int = 1,
    epochs: int | None = None,
    tolerance: float = 0.0,
) -> tuple[BestEpoch, float]:
    """Fits a model whose one weight counts the epochs; returns the callback and the weight that is left."""
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer="sgd", loss=lambda labels, predictions: -predictions)
    model.build([None, 1])
    model.optimizer.learning_rate = 1.0
    measures = iter(values)
    best = BestEpoch(lambda: next(measures), "measure", higher_is_better, patience, first, tolerance)
    model.fit(np.ones([1, 1]), np.ones([1]), epochs=epochs or len(values), callbacks=[best], verbose=0)
    return best, float(model.get_weights()[0][0, 0])


def test_stops_after_patience_and_goes_back_to_the_best() -> None:
    best, weight = fit([0.1, 0.3, 0.2, 0.25, 0.9], patience=2)
    assert (best.epoch, best.value, weight) == (2, 0.3, 2.0)


def test_epochs_before_the_first_are_not_measured() -> None:
    best, weight = fit([0.3, 0.2, 0.1], patience=2, first=2, epochs=4)
    assert (best.epoch, best.value, weight) == (2, 0.3, 2.0)


def test_the_last_of_those_about_as_good_is_taken() -> None:
    best, weight = fit([0.5, 1.0, 0.95, 0.93, 0.8], patience=3, tolerance=0.06)
    assert (best.epoch, best.value, weight) == (3, 0.95, 3.0)
    best, _ = fit([0.5, 0.52, 0.54, 0.9], patience=1, higher_is_better=False, tolerance=0.06)
    assert (best.epoch, best.value) == (2, 0.52)


def test_lower_can_be_better() -> None:
    best, weight = fit([0.5, 0.3, 0.4, 0.1], patience=1, higher_is_better=False)
    assert (best.epoch, best.value, weight) == (2, 0.3, 2.0)


def test_goes_back_when_the_epochs_run_out_too() -> None:
    best, weight = fit([0.1, 0.3, 0.2], patience=5)
    assert (best.epoch, weight) == (2, 2.0)


def test_what_is_not_a_number_is_never_best() -> None:
    best, weight = fit([float("nan"), 0.2, float("nan")], patience=2)
    assert (best.epoch, weight) == (2, 2.0)
    with pytest.raises(FloatingPointError, match="diverged"):
        fit([float("nan")] * 3, patience=2)


def test_progress_reports_the_last_batch_and_not_every_one(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress("a model", num_batches=1000)
    progress.set_params({"epochs": 7})
    with caplog.at_level(logging.DEBUG, "atalaya"):
        progress.on_epoch_begin(2)
        for batch in range(1000):
            progress.on_train_batch_end(batch)
    reports = [record.progress for record in caplog.records]
    assert reports[-1] == ("a model epoch 3/7", 1000, 1000)
    assert caplog.messages[-1] == "a model epoch 3/7: 1000 of 1000"
    assert len(reports) < 20
