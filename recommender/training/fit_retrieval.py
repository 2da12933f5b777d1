"""Fits the retrieval model: the towers, the closed forms, and their weights."""

import gc
import logging
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.evaluation.ndcg import CHANCE, NdcgMeasure
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import Contexts, user_contexts
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import cosine_adam, fit
from recommender.models.linear import LinearFactors, Spectrum, fit_linear
from recommender.models.pooling import sum_pooling
from recommender.models.retrieval import RetrievalModel
from recommender.models.trend import popularity_trend
from recommender.models.two_tower import TwoTowerModel
from recommender.training.blend import LINEAR_WEIGHTS, TREND_WEIGHTS, choose_weight, relative_width
from recommender.training.queries import QueryBatches
from recommender.training.vectors import as_ragged, encode_candidates, encode_users
from schemas.settings import RetrievalSettings, Settings

_LOG = logging.getLogger("atalaya")
_USERS_COMPARED = 128
_PARTS = {"scattered": 8, "blocks": 4}


def fit_retrieval(events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None) -> RetrievalModel:
    """Fits the parts, chooses stopping and weights by held-out events, then fits all events likewise if `refit` is set.

    Args:
      events: training events, of known users with known items.
      catalogue: users and items.
      settings: `retrieval`, `training` and `split` are used.
      logs: folder for TensorBoard, or None.

    Raises:
      FloatingPointError: the training diverged.
    """
    contexts = _contexts(events.fitted, settings)
    held_out = events.held_out
    measure = NdcgMeasure(contexts.seen, held_out.user, held_out.item, catalogue.num_items, settings.training.seed)
    chosen = _parts(settings)
    spectrum = _spectrum(events.fitted, catalogue, chosen)
    regularization = _best_regularization(spectrum, chosen, contexts, measure)
    two_tower, epochs = _fit_towers(events.fitted, catalogue, settings, logs, stop_by=(contexts, measure))
    model = _assemble(two_tower, events.fitted, catalogue, spectrum.factors(regularization), chosen)
    weights = _choose_weights(model, contexts, measure)
    if settings.training.refit:
        del two_tower, model
        gc.collect()  # two models might not fit in memory
        two_tower, _ = _fit_towers(events.interactions, catalogue, settings, logs, epochs)
        factors = _spectrum(events.interactions, catalogue, chosen).factors(regularization)
        model = _assemble(two_tower, events.interactions, catalogue, factors, chosen)
        _weigh(model, weights, _contexts(events.interactions, settings))
    return model


def _contexts(events: Interactions, settings: Settings) -> Contexts:
    return user_contexts(events, settings.retrieval.history_length, settings.split.method)


def _parts(settings: Settings) -> RetrievalSettings:
    """Returns the settings without the closed form that does not suit the split.

    The linear part learns what is chosen together in one session, which predicts the next session badly; the
    requests of a random split are spread over all times, so that nothing is recent.
    """
    without = {"linear_rank": 0} if settings.split.method == "time" else {"trend_days": 0.0}
    return settings.retrieval.model_copy(update=without)


def _targets(settings: Settings) -> str:
    if settings.retrieval.targets != "auto":
        return settings.retrieval.targets
    return "scattered" if settings.split.method == "random" else "blocks"


def _fit_towers(
    events: Interactions,
    catalogue: Catalogue,
    settings: Settings,
    logs: str | None,
    epochs: int | None = None,
    stop_by: tuple[Contexts, NdcgMeasure] | None = None,
) -> tuple[TwoTowerModel, int]:
    """Returns the towers, and their number of epochs."""
    chosen, seed = settings.retrieval, settings.training.seed
    tf.keras.utils.set_random_seed(seed)
    # A batch holds a pair of user and item once, however many events it has.
    model = TwoTowerModel(catalogue, events.distinct.popularity, events.timestamp, chosen)
    kind = _targets(settings)
    parts = chosen.parts or _PARTS[kind]
    batches = QueryBatches(events, kind, parts, chosen.history_length, chosen.batch_size, seed)
    best = None
    if stop_by is not None:
        contexts, measure = stop_by
        best = BestEpoch(
            lambda: measure(
                encode_users(model, contexts, measure.users), encode_candidates(model, catalogue.num_items)
            ),
            label="NDCG",
            higher_is_better=True,
            patience=chosen.patience,
            min_improvement=chosen.min_improvement,
            first=1 + chosen.epochs // 2,
            tolerance=CHANCE,  # later epochs have lower learning rates
        )
    # Both fits have the same learning rates; the second stops at the best epoch of the first.
    optimizer = cosine_adam(chosen.learning_rate, batches.num_batches, chosen.epochs, chosen.weight_decay)
    epochs = epochs or chosen.epochs
    _LOG.info("two-tower: fitting to %d events, at most %d epochs", len(events), epochs)
    fit("two-tower", model, batches.dataset(), batches.num_batches, optimizer, epochs, best, logs)
    model.forget_unfitted(events.user)
    return model, best.epoch if best else epochs


def _assemble(
    two_tower: TwoTowerModel,
    events: Interactions,
    catalogue: Catalogue,
    linear: LinearFactors,
    settings: RetrievalSettings,
) -> RetrievalModel:
    trend = np.zeros(catalogue.num_items, np.float32)
    if settings.trend_days:
        trend = popularity_trend(events.item, events.timestamp, catalogue.num_items, settings.trend_days)
    return RetrievalModel(two_tower, linear, trend)


def _spectrum(events: Interactions, catalogue: Catalogue, settings: RetrievalSettings) -> Spectrum:
    if not settings.linear_rank:
        return Spectrum(np.zeros(0), np.zeros((catalogue.num_items, 0)), np.ones(catalogue.num_items), 0)
    return fit_linear(
        users=events.user,
        items=events.item,
        weights=events.weight,
        catalogue=catalogue,
        rank=settings.linear_rank,
        content_weight=settings.linear_content_weight,
    )


def _best_regularization(
    spectrum: Spectrum, settings: RetrievalSettings, contexts: Contexts, measure: NdcgMeasure
) -> float:
    values = {}
    for regularization in settings.linear_regularization if settings.linear_rank else ():
        factors = spectrum.factors(regularization)
        values[regularization] = measure(_linear_queries(factors, contexts, measure.users), factors.items)
        _LOG.debug("linear part: regularization %g, NDCG %.4f", regularization, values[regularization])
    return max(values, key=lambda regularization: values[regularization], default=settings.linear_regularization[0])


def _linear_queries(factors: LinearFactors, contexts: Contexts, users: np.ndarray) -> np.ndarray:
    return sum_pooling(tf.constant(factors.history), as_ragged(contexts.histories.take(users))).numpy()


class _Weights(NamedTuple):
    """linear: in units in which the linear part's scores vary as much as the towers'. trend: that of the trend."""

    linear: float
    trend: float


def _choose_weights(model: RetrievalModel, contexts: Contexts, measure: NdcgMeasure) -> _Weights:
    """Chooses the weights one after the other, and sets them in the model."""
    _weigh(model, _Weights(1.0, 1.0), contexts)
    queries = model.split(encode_users(model, contexts, measure.users))
    candidates = encode_candidates(model, len(model.trend))

    def value(linear: float, trend: float) -> float:
        weighted = [part * weight for part, weight in zip(queries, (1.0, linear, trend), strict=True)]
        return measure(np.concatenate(weighted, axis=1), candidates)

    linear = choose_weight(lambda weight: value(weight, 0.0), LINEAR_WEIGHTS) if model.linear_weight else 0.0
    trend = choose_weight(lambda weight: value(linear, weight), TREND_WEIGHTS) if model.trend.any() else 0.0
    _LOG.info("retrieval: weight %.2g of the linear part, %.2g of the trend", linear, trend)
    _weigh(model, _Weights(linear, trend), contexts)
    return _Weights(linear, trend)


def _weigh(model: RetrievalModel, weights: _Weights, contexts: Contexts) -> None:
    """Sets the weights of the model; the unit of the linear part comes from the scores of some users."""
    model.linear_weight, model.trend_weight = 1.0, weights.trend
    active = np.flatnonzero(np.diff(contexts.histories.row_splits))[:_USERS_COMPARED]
    queries = model.split(encode_users(model, contexts, active))
    candidates = model.split(encode_candidates(model, len(model.trend)))
    towers, linear, _ = (query @ candidate.T for query, candidate in zip(queries, candidates, strict=True))
    model.linear_weight = weights.linear * relative_width(towers, linear)
