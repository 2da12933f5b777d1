"""Fits the network that predicts ratings."""

import logging

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.biases import fit_biases
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import fit
from recommender.models.network_rating import NetworkRating
from recommender.models.ranking import RankingModel
from recommender.training.rating_batches import RatingBatches, UserRatings
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
_USERS_AT_ONCE = 8_192


def fit_network(events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> NetworkRating:
    """Fits the network for the number of epochs with the lowest RMSE on held-out training events.

    Args:
      events: training events.
      catalogue: users and items.
      settings: `ranking`, `training` and `split` are used.
      logs: folder for TensorBoard, or None.

    Raises:
      FloatingPointError: the training diverged.
    """
    most = settings.ranking.network.epochs
    if not events.is_fitted.any() or not len(events.held_out):  # few of the events have a rating
        return _fit(events.interactions, catalogue, settings, logs, most)[0]
    fitted, epochs = _fit(events.fitted, catalogue, settings, logs, most, held_out=events.held_out)
    return _fit(events.interactions, catalogue, settings, logs, epochs)[0] if settings.training.refit else fitted


def _fit(
    events: Interactions,
    catalogue: Catalogue,
    settings: Settings,
    logs: str | None,
    epochs: int,
    held_out: Interactions | None = None,
) -> tuple[NetworkRating, int]:
    """Returns the model, and its number of epochs."""
    chosen, seed = settings.ranking.network, settings.training.seed
    tf.keras.utils.set_random_seed(seed)
    biases = fit_biases(events.user, events.item, events.rating, catalogue.num_users, catalogue.num_items)
    model = RankingModel(catalogue, events.popularity, events.timestamp, biases, chosen)
    ratings = UserRatings(events)
    batches = RatingBatches(ratings, chosen.history_length, settings.split.method, chosen.batch_size, seed)
    best = None
    if held_out is not None:
        best = BestEpoch(
            lambda: _rmse(encode(model, ratings, settings), held_out),
            label="RMSE",
            higher_is_better=False,
            patience=chosen.patience,
        )
    _LOG.info("network: fitting to %d events, at most %d epochs", len(events), epochs)
    optimizer = _averaging_adam(chosen.learning_rate, batches.num_batches())
    optimizer.build(model.trainable_variables)  # otherwise TensorFlow would trace a training step twice
    fit("ranking", model, batches.dataset(), batches.num_batches(), optimizer, epochs, best, logs)
    return encode(model, ratings, settings), best.epoch if best else epochs


def encode(model: RankingModel, ratings: UserRatings, settings: Settings) -> NetworkRating:
    """Encodes every user, with their latest events, and every item.

    The default time of a user's ratings is that of their latest event in a random split, and of the latest event of all
    in a split by time.
    """
    length = settings.ranking.network.history_length
    users = np.arange(model.num_users + 1)
    active = np.bincount(ratings.events.user, minlength=len(users)) > 0
    # The row of a user without events was never fitted.
    rows = np.where(active, users, model.num_users)
    blocks = np.array_split(rows, len(rows) // _USERS_AT_ONCE + 1)
    encoded = [model.encode_users(block, *ratings.latest(block, length)) for block in blocks]
    biases, vectors = (tf.concat(parts, axis=0) for parts in zip(*encoded, strict=True))
    timestamps = np.full(len(users), ratings.events.timestamp.max())
    if settings.split.method != "time":
        timestamps[ratings.events.user] = ratings.events.timestamp  # the last of a user's events counts
    items = model.encode_items(np.arange(model.num_items + 1, dtype=np.int32))
    return NetworkRating(model, (biases, vectors), items, model.encode_time(timestamps))


def _rmse(rating: NetworkRating, events: Interactions) -> float:
    moments = rating.moments(events.user, events.timestamp)
    errors = rating.rate(events.user, events.item, moments) - events.rating
    return float(tf.sqrt(tf.reduce_mean(tf.square(errors))))


def _averaging_adam(learning_rate: float, num_batches: int) -> tf.keras.optimizers.Adam:
    """Creates an Adam that ends each epoch with the average of the weights over about its last third.

    These weights are better and steadier than those of the last batch.
    """
    momentum = 1 - 1 / max(1, num_batches / 3)
    return tf.keras.optimizers.Adam(
        learning_rate, use_ema=True, ema_momentum=momentum, ema_overwrite_frequency=num_batches
    )
