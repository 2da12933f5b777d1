"""Fits the retrieval model: the towers, the closed forms, and their weights."""

import gc
import logging
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.evaluation.baselines import decays, recency_popularity, recent_events
from recommender.evaluation.ndcg import CHANCE, NdcgMeasure
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import Contexts, user_contexts
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import cosine_adam, fit
from recommender.models.linear import LinearFactors
from recommender.models.retrieval import RetrievalModel
from recommender.models.trend import popularity_trend
from recommender.models.two_tower import TwoTowerModel
from recommender.training.blend import LINEAR_WEIGHTS, TREND_WEIGHTS, choose_weight, relative_width
from recommender.training.fit_linear import choose_linear, fit_linear
from recommender.training.queries import QueryBatches
from recommender.training.vectors import encode_candidates, encode_users
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
    choice, factors = None, _no_factors(catalogue)
    if chosen.linear:
        choice, factors = choose_linear(events.fitted, catalogue, chosen.linear_content_weight, contexts, measure)
    two_tower, epochs = _fit_towers(events.fitted, catalogue, settings, logs, stop_by=(contexts, measure))
    model = _assemble(two_tower, events.fitted, catalogue, factors)
    weights = _choose_weights(model, events.fitted, contexts, measure, chosen.trend)
    if settings.training.refit:
        del two_tower, model
        gc.collect()  # two models might not fit in memory
        two_tower, _ = _fit_towers(events.interactions, catalogue, settings, logs, epochs)
        contexts = _contexts(events.interactions, settings)
        if choice:
            factors = fit_linear(events.interactions, catalogue, chosen.linear_content_weight, contexts, choice)
        model = _assemble(two_tower, events.interactions, catalogue, factors)
        _weigh(model, weights, events.interactions, contexts)
    if chosen.trend:
        model.popularity = recent_events(
            events.interactions, recency_popularity(events.interactions, settings.training.seed).days
        )
    return model


def _contexts(events: Interactions, settings: Settings) -> Contexts:
    return user_contexts(events, settings.retrieval.history_length, settings.split.method)


def _parts(settings: Settings) -> RetrievalSettings:
    """Returns the settings; for a random split without the trend: its requests are spread over all times."""
    is_late = settings.split.method == "time"
    return settings.retrieval.model_copy(update={"trend": settings.retrieval.trend and is_late})


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
) -> RetrievalModel:
    no_trend = np.zeros(catalogue.num_items, np.float32)
    return RetrievalModel(two_tower, linear, no_trend, events.popularity.astype(np.float32))


def _no_factors(catalogue: Catalogue) -> LinearFactors:
    return LinearFactors(
        np.zeros((catalogue.num_items + 1, 0), np.float32), np.zeros((catalogue.num_items, 0), np.float32)
    )


class _Weights(NamedTuple):
    """linear: in units in which the linear part's scores vary as much as the towers'. trend, days: of the trend."""

    linear: float
    trend: float
    days: float


def _choose_weights(
    model: RetrievalModel, events: Interactions, contexts: Contexts, measure: NdcgMeasure, has_trend: bool
) -> _Weights:
    """Chooses the weights one after the other, and sets them in the model."""
    _weigh(model, _Weights(1.0, 0.0, np.inf), events, contexts)
    queries = model.split(encode_users(model, contexts, measure.users) / model.scale)
    candidates = model.split(encode_candidates(model, len(model.trend)))
    ones = np.ones((len(measure.users), 1), np.float32)

    def value(linear: float, trend: np.ndarray) -> float:
        users = np.concatenate([queries[0], queries[1] * linear, ones], axis=1)
        return measure(users, np.concatenate([*candidates[:2], trend[:, np.newaxis]], axis=1))

    linear = choose_weight(lambda weight: value(weight, model.trend), LINEAR_WEIGHTS) if model.linear_weight else 0.0
    trend, days = 0.0, np.inf
    if has_trend:
        trends = {decay: _trend(events, decay) for decay in decays(events)}
        days = max(trends, key=lambda decay: value(linear, trends[decay]))
        trend = choose_weight(lambda weight: value(linear, weight * trends[days]), TREND_WEIGHTS)
    if has_trend and model.linear_weight:
        linear = choose_weight(lambda weight: value(weight, trend * trends[days]), LINEAR_WEIGHTS)
    weights = _Weights(linear, trend, days)
    _LOG.info("retrieval: weight %.2g of the linear part, %.2g of the trend over %.3g days", *weights)
    _weigh(model, weights, events, contexts)
    return weights


def _trend(events: Interactions, days: float) -> np.ndarray:
    return popularity_trend(events.item, events.timestamp, events.num_items, days)


def _weigh(model: RetrievalModel, weights: _Weights, events: Interactions, contexts: Contexts) -> None:
    """Sets the weights of the model, with units from the scores of some users.

    The linear part is scaled to vary as much as the towers, and so is the sum, so that it remains on the scale of the
    softmax's logits.
    """
    model.linear_weight, model.trend_weight, model.scale = 1.0, weights.trend, 1.0
    if weights.trend:
        model.trend = _trend(events, weights.days)
    active = np.flatnonzero(np.diff(contexts.histories.row_splits))[:_USERS_COMPARED]
    queries = model.split(encode_users(model, contexts, active))
    candidates = model.split(encode_candidates(model, len(model.trend)))
    towers, linear, _ = (query @ candidate.T for query, candidate in zip(queries, candidates, strict=True))
    model.linear_weight = weights.linear * relative_width(towers, linear)
    if model.linear_weight:
        model.scale = relative_width(towers, towers + model.linear_weight * linear)
