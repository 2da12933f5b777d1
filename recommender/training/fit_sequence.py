"""Fits one sequence model."""

import logging
import time
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.interactions.items import PADDING, Items
from recommender.interactions.ragged import Ragged
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import cosine_adam, fit
from recommender.models.sequence import SequenceData, SequenceModel
from recommender.models.similar_items import similar_item_vectors, unit_rows
from recommender.training.sequence_measure import Measure
from recommender.training.windows import Timelines, Windows
from schemas.errors import DataError
from schemas.settings import SequenceModelSettings, SplitSettings, TrainingSettings

_LOG = logging.getLogger("atalaya")
GAPS = {"random": 0, "time": 200, "last": 0}
"""Defaults of `gap`: with a split by time, requests come long after the user's last training event."""


class Fitted(NamedTuple):
    """model: the fitted model. record: how it was fitted, for reports."""

    model: SequenceModel
    record: dict[str, Any]


def fit_sequence(
    train: HoldOut,
    items: Items,
    settings: SequenceModelSettings,
    split: SplitSettings,
    training: TrainingSettings,
) -> Fitted:
    """Fits for the number of epochs that ranks held-out events best, then, if `refit` is set, to all training events.

    Args:
      train: training events; items are numbers in `items`.
      items: the catalogue.
      settings: settings of the model.
      split: `method` is used.
      training: `refit` and `seed` are used.

    Raises:
      DataError: no user has two training events at different times, or no event has a value of a feature.
      FloatingPointError: the training diverged.
    """
    begin = time.monotonic()
    _check_features(train.interactions, settings)
    fitted = train.fitted
    timelines = Timelines(fitted, items)
    measure = Measure(timelines.windows(train.not_fitted, settings.features), settings, training.seed)
    windows = training_windows(timelines, settings, split.method, training.seed)
    model, best = _fit(windows, fitted, items, settings, training.seed, measure=measure)
    epochs = best.epoch if best else settings.epochs
    record: dict[str, Any] = {"epochs": epochs, "held_out": measure.of(model)}
    if training.refit:
        windows = training_windows(Timelines(train.interactions, items), settings, split.method, training.seed)
        model, _ = _fit(windows, train.interactions, items, settings, training.seed, epochs=epochs)
    losses = [round(value, 4) for value in model.history.history["loss"]]
    record |= {"windows": len(windows.label), "refit": training.refit, "losses": losses}
    return Fitted(model, record | {"seconds": round(time.monotonic() - begin, 1)})


def training_windows(timelines: Timelines, settings: SequenceModelSettings, method: str, seed: int) -> Windows:
    """Cuts a window for each training event with an earlier one; its context ends up to `gap` events earlier.

    Events that follow each other closely have reasons that have nothing to do with taste, such as the order of a page.
    So without a gap, events have a second window from what the user chose in earlier sittings.

    Raises:
      DataError: no event has an earlier one.
    """
    most = GAPS[method] if settings.gap is None else settings.gap
    skipped = np.random.default_rng(seed).integers(0, most + 1, len(timelines.events))
    windows = timelines.windows(timelines.events, settings.features, skipped)
    if not len(windows.label):
        raise DataError(
            f"on-device model {settings.name}: no training event has an earlier one of the same user, so there is "
            "nothing to learn an order from; provide users with several events (at different times, if there are "
            "times), or disable the model"
        )
    return windows if most else windows.join(timelines.windows_before_sittings(settings.features))


def starting_vectors(events: Interactions, items: Items, width: int) -> np.ndarray:
    """Computes vectors of similar items of length 1, [num_items + 1, at most width] float32; the first is 0."""
    genres, words = items.values["genre"], items.values["title_word"]
    num_genres, num_words = (len(items.vocabularies[name]) + 1 for name in ("genre", "title_word"))
    no_periods = Ragged.of([[]] * (len(items.ids) + 1))
    catalogue = Catalogue(events.num_users, num_genres, num_words, 0, genres, words, no_periods)
    return unit_rows(similar_item_vectors(events, catalogue, False, width))


def sequence_data(train: Interactions, items: Items) -> SequenceData:
    """Returns the properties of the training events and the catalogue that the model depends on."""
    popularity = train.popularity[1:]
    num_genres, num_title_words = (len(items.vocabularies[name]) for name in ("genre", "title_word"))
    rated = train.rated.rating
    mean, deviation = (float(rated.mean()), float(rated.std())) if len(rated) else (0.0, 1.0)
    return SequenceData(popularity, num_genres, num_title_words, mean, deviation)


def _check_features(events: Interactions, settings: SequenceModelSettings) -> None:
    for feature, what, exists in (("rating", "rating", events.has_ratings), ("age", "time", events.has_times)):
        if feature in settings.features and not exists:
            raise DataError(
                f"on-device model {settings.name}: the feature {feature!r} needs a {what}, and none of the "
                f"{len(events)} training events has one; remove features.{feature}"
            )


def _fit(
    windows: Windows,
    events: Interactions,
    items: Items,
    settings: SequenceModelSettings,
    seed: int,
    epochs: int | None = None,
    measure: Measure | None = None,
) -> tuple[SequenceModel, BestEpoch | None]:
    tf.keras.utils.set_random_seed(seed)
    events = events.take(events.item != PADDING)
    vectors = starting_vectors(events, items, settings.embedding_width)
    model = SequenceModel(sequence_data(events, items), settings, vectors)
    num_batches = -(-len(windows.label) // settings.batch_size)
    best = None
    if measure is not None and measure.num_windows:
        best = BestEpoch(lambda: measure(model), "NDCG", True, settings.patience)
    # Both fits have the same learning rates; the second stops at the best epoch of the first.
    optimizer = cosine_adam(settings.learning_rate, num_batches, settings.epochs)
    epochs = epochs or settings.epochs
    _LOG.info("on-device %s: fitting to %d windows, at most %d epochs", settings.name, len(windows.label), epochs)
    fit(
        f"on-device {settings.name}",
        model,
        batches(windows, settings.batch_size, seed),
        num_batches,
        optimizer,
        epochs,
        best,
    )
    return model, best


def batches(windows: Windows, batch_size: int, seed: int) -> tf.data.Dataset:
    """Returns the batches of an epoch, in a different order each time: contexts by feature, and [batch] labels."""
    context = {name: tf.constant(values) for name, values in windows.context.items()}
    labels = tf.constant(windows.label)
    rows = tf.data.Dataset.range(len(windows.label)).shuffle(len(windows.label), seed=seed).batch(batch_size)
    return rows.map(
        lambda places: (
            {name: tf.gather(values, places) for name, values in context.items()},
            tf.gather(labels, places),
        )
    ).prefetch(2)
