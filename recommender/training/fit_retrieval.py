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
from recommender.models.fit import CosineDecay, fit_further
from recommender.models.fused_adam import FusedAdam
from recommender.models.linear import LinearFactors, place_by_content
from recommender.models.retrieval import RetrievalModel
from recommender.models.transitions import fit_transitions, no_transitions
from recommender.models.two_tower import TwoTowerModel
from recommender.training.devices import share_batches
from recommender.training.fit_linear import choose_linear, fit_linear, widest
from recommender.training.fit_transitions import choose_transitions
from recommender.training.part_weights import choose_part_weights, set_part_weights
from recommender.training.queries import QueryBatches
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
_LEAST_POPULARITY = 0.1
"""Added to the numbers of recent events, whose logarithms are the level."""
_REFIT_EPOCHS, _REFIT_RATE = 2, 0.5
"""Number of epochs in which the towers are fitted further to all events, and the first learning rate relative to that
of the fit."""
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
    strategy: tf.distribute.Strategy | None = None,
) -> RetrievalModel:
    """Fits the parts, chooses stopping and weights by held-out events, then fits to all events if `refit` is set.

    Towers without which the other parts rank as well are left out. With the split `last` they brought nothing on any
    data, and are fitted only if there is no linear part.

    Args:
      events: training events, of known users with known items.
      catalogue: users and items.
      settings: `retrieval`, `training` and `split` are used.
      logs: folder for TensorBoard, or None.
      before_refit: called with the model that is fitted without the held-out events, and the users' queries.
      strategy: devices for the towers, see `training_strategy`; None: the default one.

    Raises:
      FloatingPointError: the training diverged.
    """
    method, chosen, fitted = settings.split.method, settings.retrieval, events.fitted
    contexts, held_out, strategy = (
        _contexts(fitted, settings),
        events.held_out,
        strategy or tf.distribute.get_strategy(),
    )
    measure = NdcgMeasure(contexts.seen, held_out.user, held_out.item, catalogue.num_items, settings.training.seed)
    choice, linear, transitions = None, _no_factors(catalogue), no_transitions(catalogue.num_items)
    if chosen.linear:
        choice, linear = choose_linear(fitted, catalogue, chosen.linear_content_weight, contexts, measure)
    if method != "random":
        transitions = choose_transitions(fitted, widest(catalogue), contexts, measure)
    two_tower, schedule = None, None
    if method != "last" or not chosen.linear:
        two_tower, schedule = _fit_towers(events, fitted, catalogue, settings, contexts, measure, logs, strategy)
    # The latest events choose it together with those of new users, and then the weights.
    days = recency_popularity(events.interactions, settings.training.seed).days if method == "time" else np.inf

    def assemble(to: Interactions, two_tower: TwoTowerModel | None) -> RetrievalModel:
        level = two_tower.item_bias if two_tower and method != "time" else _level(to, days, catalogue)
        return RetrievalModel(two_tower, linear, transitions, level, recent_events(to, days))

    weights, value = choose_part_weights(assemble(fitted, two_tower), contexts, measure, method == "time")
    if two_tower and (linear.items.size or transitions.items.size):
        others, of_others = choose_part_weights(assemble(fitted, None), contexts, measure, method == "time")
        if of_others >= value:
            two_tower, weights = None, others
    _LOG.info("retrieval: weights %.2g of the towers, %.2g of the linear part, %.2g of transitions", *weights)
    model = assemble(fitted, two_tower)
    set_part_weights(model, weights, contexts)
    if before_refit:
        before_refit(model, contexts)
    if settings.training.refit:
        linear, first, transitions = _no_factors(catalogue), transitions, no_transitions(catalogue.num_items)
        del model, fitted, measure
        gc.collect()  # two models might not fit in memory
        contexts = _contexts(events.interactions, settings)
        if two_tower and schedule:
            _refit_towers(two_tower, schedule, events.interactions, settings, logs, strategy)
        if choice and weights.linear:
            linear = fit_linear(events.interactions, catalogue, chosen.linear_content_weight, contexts, choice)
        if weights.transitions:
            transitions = fit_transitions(events.interactions, widest(catalogue), first.decay, first)
        model = assemble(events.interactions, two_tower)
        set_part_weights(model, weights, contexts)
    if two_tower:
        two_tower.compile()  # frees the optimizer's state, which is twice as large as the towers
    return model


def _contexts(events: Interactions, settings: Settings) -> Contexts:
    return user_contexts(events, settings.retrieval.history_length, settings.split.method)


def _fit_towers(
    events: HoldOut,
    fitted: Interactions,
    catalogue: Catalogue,
    settings: Settings,
    contexts: Contexts,
    measure: NdcgMeasure,
    logs: str | None,
    strategy: tf.distribute.Strategy,
) -> tuple[TwoTowerModel, CosineDecay]:
    """Fits the towers to the events that are not held out, up to the best epoch; for `_refit_towers`."""
    chosen = settings.retrieval
    tf.keras.utils.set_random_seed(settings.training.seed)
    batches = _batches(fitted, settings)
    with strategy.scope():
        # A batch holds a pair of user and item once, however many events it has.
        model = TwoTowerModel(catalogue, fitted.distinct.popularity, events.interactions.timestamp, chosen)
        schedule = CosineDecay(chosen.learning_rate, chosen.epochs * batches.num_batches)
        optimizer = FusedAdam(schedule, chosen.weight_decay)
        optimizer.build(model.trainable_variables)  # else the first step is traced twice
        model.compile(optimizer=optimizer)
    best = BestEpoch(
        lambda: measure(encode_users(model, contexts, measure.users), encode_candidates(model, catalogue.num_items)),
        label="NDCG",
        higher_is_better=True,
        patience=chosen.epochs,
        first=1 + chosen.epochs // 2,
        tolerance=CHANCE,  # later epochs have lower learning rates
    )
    dataset = share_batches(batches.dataset(), strategy)
    _LOG.info("two-tower: fitting to %d events, at most %d epochs", len(fitted), chosen.epochs)
    fit_further("two-tower", model, dataset, batches.num_batches, chosen.epochs, best, logs)
    model.forget_unfitted(fitted.user)
    return model, schedule


def _refit_towers(
    model: TwoTowerModel,
    schedule: CosineDecay,
    events: Interactions,
    settings: Settings,
    logs: str | None,
    strategy: tf.distribute.Strategy,
) -> None:
    """Fits the towers further, to all events."""
    batches = _batches(events, settings)
    rate, steps = _REFIT_RATE * settings.retrieval.learning_rate, _REFIT_EPOCHS * batches.num_batches
    schedule.start(rate, steps, int(model.optimizer.iterations.numpy()))
    model.count(events.distinct.popularity)
    _LOG.info("two-tower: fitting to %d events, %d epochs", len(events), _REFIT_EPOCHS)
    dataset = share_batches(batches.dataset(), strategy)
    fit_further("two-tower", model, dataset, batches.num_batches, _REFIT_EPOCHS, logs=logs)
    model.forget_unfitted(events.user)
    if not np.isfinite(model.item_bias).all():
        raise FloatingPointError(
            "the vectors of the towers are no numbers: the training diverged; lower the learning rate"
        )


def _batches(events: Interactions, settings: Settings) -> QueryBatches:
    (kind, parts), chosen = _TARGETS[settings.split.method], settings.retrieval
    return QueryBatches(events, kind, parts, chosen.history_length, chosen.batch_size, settings.training.seed)


def _no_factors(catalogue: Catalogue) -> LinearFactors:
    return LinearFactors(
        np.zeros((catalogue.num_items + 1, 0), np.float32), np.zeros((catalogue.num_items, 0), np.float32)
    )


def _level(events: Interactions, days: float, catalogue: Catalogue) -> np.ndarray:
    """Returns the logarithm of recent popularity, [num_items] float32; that of new items is predicted by content."""
    level = np.log(recent_events(events, days) + _LEAST_POPULARITY)
    return place_by_content(level[:, np.newaxis], events.popularity == 0, catalogue)[:, 0]
