"""Fits similar items: from what is consumed together, or from the retrieval model's item tower."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.evaluation.ndcg import CHANCE, NdcgMeasure
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.callbacks import BestEpoch
from recommender.models.fit import cosine_adam, fit
from recommender.models.item_to_item import ItemToItemModel
from recommender.models.retrieval import RetrievalModel
from recommender.training.neighbours import NeighbourBatches
from recommender.training.vectors import encode_candidates
from schemas.settings import Settings

_LOG = logging.getLogger("atalaya")
_ITEMS_AT_ONCE = 8_192


class SimilarVectors(NamedTuple):
    """queries, candidates: [num_items, width] float32; their products score how similar a candidate is to a query."""

    queries: np.ndarray
    candidates: np.ndarray


def fit_similar(
    events: HoldOut, catalogue: Catalogue, retrieval: RetrievalModel, settings: Settings, logs: str | None = None
) -> SimilarVectors:
    """Computes the vectors with the model in the settings, or with the item tower if no user has two fitted items.

    Args:
      events: training events.
      catalogue: users and items.
      retrieval: the retrieval model, fitted to the same events.
      settings: `similar`, `training` and `split` are used.
      logs: folder for TensorBoard, or None.

    Raises:
      FloatingPointError: the training diverged.
    """
    if settings.similar.model == "item_tower":
        return item_tower(retrieval, catalogue.num_items)
    if np.diff(events.fitted.distinct.row_splits).max() < 2:
        _LOG.warning("similar items: no user has two items to learn from, so the item tower is used")
        return item_tower(retrieval, catalogue.num_items)
    return fit_co_consumption(events, catalogue, settings, logs)


def item_tower(retrieval: RetrievalModel, num_items: int) -> SimilarVectors:
    """Returns the retrieval model's vectors of items, at length 1, so that products are cosines."""
    towers = retrieval.split(encode_candidates(retrieval, num_items))[0]
    # Without the bias: similarity, not popularity.
    vectors = _unit_rows(towers[:, :-1])
    return SimilarVectors(vectors, vectors)


def fit_co_consumption(
    events: HoldOut, catalogue: Catalogue, settings: Settings, logs: str | None = None
) -> SimilarVectors:
    """Fits the item-to-item model for the number of epochs that ranks held-out events best; see `fit_similar`.

    Raises:
      DataError: no user has two fitted items.
    """
    measure = next_item_measure(events, settings.training.seed)
    fitted, epochs = _fit(events.fitted, catalogue, settings, logs, measure=measure)
    return _fit(events.interactions, catalogue, settings, logs, epochs)[0] if settings.training.refit else fitted


def next_item_measure(events: HoldOut, seed: int) -> NdcgMeasure | None:
    """Creates the measure that ranks each held-out event's item by similarity to that of the user's previous event.

    The previous event may be fitted or held out; only its item is left out of the ranking. None if no held-out event
    has a previous one.
    """
    before, after = events.held_out_after_another()
    if not len(after):
        return None
    items, num_items = events.interactions.item, events.interactions.num_items
    # For the measure, the previous item is the "user", who has seen only that item.
    itself = Ragged(np.arange(num_items), np.arange(num_items + 1))
    return NdcgMeasure(itself, items[before], items[after], num_items, seed)


def _fit(
    events: Interactions,
    catalogue: Catalogue,
    settings: Settings,
    logs: str | None,
    epochs: int | None = None,
    measure: NdcgMeasure | None = None,
) -> tuple[SimilarVectors, int]:
    """Returns the vectors, and their number of epochs."""
    chosen, seed = settings.similar.co_consumption, settings.training.seed
    tf.keras.utils.set_random_seed(seed)
    model = ItemToItemModel(catalogue, events.distinct.popularity, chosen)
    batches = NeighbourBatches(events, chosen.window, chosen.batch_size, seed)
    best = None
    if measure is not None:
        best = BestEpoch(
            lambda: measure(*_encode(model, measure.users, catalogue.num_items)),
            label="NDCG",
            higher_is_better=True,
            patience=chosen.patience,
            first=1 + chosen.epochs // 2,
            tolerance=CHANCE,
        )
    optimizer = cosine_adam(chosen.learning_rate, batches.num_batches, chosen.epochs, chosen.weight_decay)
    epochs = epochs or chosen.epochs
    _LOG.info("item-to-item: fitting to %d events, at most %d epochs", len(events), epochs)
    fit("item-to-item", model, batches.dataset(), batches.num_batches, optimizer, epochs, best, logs)
    vectors = _encode(model, np.arange(catalogue.num_items), catalogue.num_items)
    return vectors, best.epoch if best else epochs


def _encode(model: ItemToItemModel, queries: np.ndarray, num_items: int) -> SimilarVectors:
    """Encodes query items, [n], and all candidates."""
    return SimilarVectors(
        _in_blocks(model.encode_queries, queries), _in_blocks(model.encode_candidates, np.arange(num_items))
    )


def _in_blocks(encode: Callable[[np.ndarray], tf.Tensor], items: np.ndarray) -> np.ndarray:
    return np.concatenate([encode(block) for block in np.array_split(items, -(-len(items) // _ITEMS_AT_ONCE))])


def _unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Returns rows, [n, width] float32, scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
