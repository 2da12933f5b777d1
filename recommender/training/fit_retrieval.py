"""Fits the retrieval model: the towers, the closed forms, and their weights."""

import gc
import logging
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from recommender.evaluation.baselines import recency_popularity, recent_events
from recommender.evaluation.ndcg import CHANCE, NdcgMeasure
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import Contexts, user_contexts
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import cosine_adam, fit
from recommender.models.linear import LinearFactors, place_by_content
from recommender.models.retrieval import RetrievalModel
from recommender.models.transitions import fit_transitions, no_transitions
from recommender.models.two_tower import TwoTowerModel
from recommender.training.fit_linear import choose_linear, fit_linear, widest
from recommender.training.fit_transitions import choose_transitions
from recommender.training.part_weights import choose_part_weights, set_part_weights
from recommender.training.queries import QueryBatches
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
_LEAST_POPULARITY = 0.1
"""Added to the numbers of recent events, whose logarithms are the level."""
_TARGETS: dict[str, tuple[str, int]] = {"random": ("scattered", 8), "time": ("blocks", 4), "last": ("blocks", 4)}
"""For each split, which events a query predicts, and into how many parts a user's events are divided.

Each epoch predicts each part once, from all other parts. Blocks should be long.
"""


def fit_retrieval(
    events: HoldOut,
    catalogue: Catalogue,
    settings: Settings,
    logs: str | None = None,
    before_refit: Callable[[RetrievalModel, Contexts], None] | None = None,
) -> RetrievalModel:
    """Fits the parts, chooses stopping and weights by held-out events, then fits all events likewise if `refit` is set.

    Args:
      events: training events, of known users with known items.
      catalogue: users and items.
      settings: `retrieval`, `training` and `split` are used.
      logs: folder for TensorBoard, or None.
      before_refit: called with the model that is fitted without the held-out events, and the users' queries.

    Raises:
      FloatingPointError: the training diverged.
    """
    contexts, method, chosen = _contexts(events.fitted, settings), settings.split.method, settings.retrieval
    held_out = events.held_out
    measure = NdcgMeasure(contexts.seen, held_out.user, held_out.item, catalogue.num_items, settings.training.seed)
    choice, linear, transitions = None, _no_factors(catalogue), no_transitions(catalogue.num_items)
    if chosen.linear:
        choice, linear = choose_linear(events.fitted, catalogue, chosen.linear_content_weight, contexts, measure)
    if method != "random":
        transitions = choose_transitions(events.fitted, widest(catalogue), contexts, measure)
    two_tower, epochs = _fit_towers(events.fitted, catalogue, settings, logs, stop_by=(contexts, measure))
    model = RetrievalModel(two_tower, linear, transitions, two_tower.item_bias, _popularity(events.fitted))
    # The latest events choose it together with those of new users, and then the weights.
    days = recency_popularity(events.interactions, settings.training.seed).days if method == "time" else None
    level = None if days is None else _recent_level(events.fitted, days, catalogue)
    weights = choose_part_weights(model, contexts, measure, level)
    if before_refit:
        before_refit(model, contexts)
    if settings.training.refit:
        del two_tower, model
        gc.collect()  # two models might not fit in memory
        linear, decay, transitions = _no_factors(catalogue), transitions.decay, no_transitions(catalogue.num_items)
        two_tower, _ = _fit_towers(events.interactions, catalogue, settings, logs, epochs)
        contexts = _contexts(events.interactions, settings)
        if choice and weights.linear:
            linear = fit_linear(events.interactions, catalogue, chosen.linear_content_weight, contexts, choice)
        if weights.transitions:
            transitions = fit_transitions(events.interactions, widest(catalogue), decay)
        model = RetrievalModel(two_tower, linear, transitions, two_tower.item_bias, _popularity(events.interactions))
        level = None if days is None else _recent_level(events.interactions, days, catalogue)
        set_part_weights(model, weights, contexts, level)
    if days is not None:
        model.popularity = recent_events(events.interactions, days)
    return model


def _contexts(events: Interactions, settings: Settings) -> Contexts:
    return user_contexts(events, settings.retrieval.history_length, settings.split.method)


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
    kind, parts = _TARGETS[settings.split.method]
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


def _popularity(events: Interactions) -> np.ndarray:
    return events.popularity.astype(np.float32)


def _no_factors(catalogue: Catalogue) -> LinearFactors:
    return LinearFactors(
        np.zeros((catalogue.num_items + 1, 0), np.float32), np.zeros((catalogue.num_items, 0), np.float32)
    )


def _recent_level(events: Interactions, days: float, catalogue: Catalogue) -> np.ndarray:
    """Returns the logarithm of recent popularity, [num_items] float32; that of new items is predicted by content."""
    level = np.log(recent_events(events, days) + _LEAST_POPULARITY)
    return place_by_content(level[:, np.newaxis], events.popularity == 0, catalogue)[:, 0]
