"""Fits the models, each until a held-out part of the training events says enough."""

import logging
import math
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
from tensorflow.python.autograph.core import config as autograph

from components.models.biases import fit_biases
from components.models.inputs import Catalogue, Events
from components.models.ranking import RankingModel
from components.models.two_tower import TwoTowerModel
from components.trainer.callbacks import BestEpoch, Progress
from components.trainer.datasets import make_batches
from components.trainer.validation import ValidationCut, cut_validation, latest_histories, ndcg, seen_items
from components.trainer.vectors import rating_factors, retrieval_vectors
from schemas.errors import DataError
from schemas.settings import RankingSettings, RetrievalSettings, Settings

_LOG = logging.getLogger("atalaya")


def fit_two_tower(events: Events, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> TwoTowerModel:
    """Fits the retrieval model, for as many epochs as give the best NDCG on held-out training events.

    It is not fitted once more with those events: they still count, as part of the histories of their users.

    Args:
      events: training events.
      catalogue: users and items.
      settings: `retrieval`, `training`, `split` and `features` are used.
      logs: folder for TensorBoard, or None.

    Raises:
      DataError: there are too few events to hold some out.
      FloatingPointError: the training diverged.
    """
    cut = _cut(events, settings)
    tf.keras.utils.set_random_seed(settings.training.seed)
    model = TwoTowerModel(catalogue, _popularity(cut.fitted, catalogue), settings.retrieval)
    histories = latest_histories(cut.fitted, catalogue.num_users, settings.features.history_length)
    seen = seen_items(cut.fitted, catalogue.num_users)

    def measure() -> float:
        return ndcg(*retrieval_vectors(model, histories, catalogue), seen, cut.held_out)

    best = BestEpoch(measure, "NDCG", True, settings.retrieval.patience, settings.retrieval.min_improvement)
    _fit("two-tower", model, cut.fitted, settings.retrieval, settings.training.seed, best, logs)
    model.forget_unfitted(cut.fitted)
    return model


def fit_ranking(events: Events, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> RankingModel:
    """Fits the ranking model, for as many epochs as give the least RMSE on held-out training events.

    Arguments and errors are those of `fit_two_tower`, with `settings.ranking` in place of `settings.retrieval`.
    """
    fitted, held_out = cut = _cut(events, settings)
    tf.keras.utils.set_random_seed(settings.training.seed)
    biases = fit_biases(fitted.user, fitted.item, fitted.rating, catalogue.num_users, catalogue.num_items)
    model = RankingModel(catalogue, _popularity(fitted, catalogue), biases, settings.ranking)
    histories = latest_histories(fitted, catalogue.num_users, settings.features.history_length)

    def measure() -> float:
        errors = rating_factors(model, histories, catalogue).predict(held_out.user, held_out.item) - held_out.rating
        return float(np.sqrt(np.mean(np.square(errors))))

    best = BestEpoch(measure, "RMSE", False, settings.ranking.patience, settings.ranking.min_improvement)
    _fit("ranking", model, cut.fitted, settings.ranking, settings.training.seed, best, logs)
    model.forget_unfitted(cut.fitted)
    return model


def _cut(events: Events, settings: Settings) -> ValidationCut:
    share = settings.training.validation_share
    cut = cut_validation(events, share, settings.split.method, settings.training.seed)
    if not len(cut.fitted.user) or not len(cut.held_out.user):
        raise DataError(
            f"{len(events.user)} training events are too few to hold out a share of {share} of them for validation; "
            "give more data or another training.validation_share"
        )
    return cut


def _popularity(events: Events, catalogue: Catalogue) -> np.ndarray:
    """Number of events of each known item, [num_items]."""
    return np.bincount(events.item, minlength=catalogue.num_items + 1)[: catalogue.num_items]


def _fit(
    name: str,
    model: tfrs.Model,
    events: Events,
    settings: RetrievalSettings | RankingSettings,
    seed: int,
    best: BestEpoch,
    logs: str | None,
) -> None:
    _spare_autograph()
    num_batches = math.ceil(len(events.user) / settings.batch_size)
    callbacks = [best, Progress(name, num_batches)]
    if logs is not None:
        folder = str(Path(logs) / name)
        callbacks.append(tf.keras.callbacks.TensorBoard(folder, write_graph=False, profile_batch=0))
    _LOG.info("%s: fitting to %d events, at most %d epochs", name, len(events.user), settings.epochs)
    begin = time.monotonic()
    # Each epoch ends in the weights' average over about its last third: better and steadier than the last batch's.
    momentum = 1 - 1 / max(1, num_batches / 3)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(
            settings.learning_rate, use_ema=True, ema_momentum=momentum, ema_overwrite_frequency=num_batches
        )
    )
    batches = make_batches(events, settings.batch_size, seed)
    history = model.fit(batches, epochs=settings.epochs, callbacks=callbacks, verbose=0)
    _LOG.info(
        "%s: %d epochs in %.0f s, best %s %.4f after epoch %d",
        *(name, len(history.epoch), time.monotonic() - begin, best.label, best.value, best.epoch),
    )


def _spare_autograph() -> None:
    """Keeps AutoGraph from rewriting Keras, which needs no rewriting and takes it half a minute.

    TensorFlow 2.16 has such a rule for `keras` alone, not for the `tf_keras` that stands in for it here.
    """
    rule = autograph.DoNotConvert("tf_keras")
    if str(rule) not in map(str, autograph.CONVERSION_RULES):
        autograph.CONVERSION_RULES = (rule, *autograph.CONVERSION_RULES)
