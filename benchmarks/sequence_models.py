"""Fits the on-device models and baselines to windows, and measures all of them with the same code."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import sparse

from benchmarks.events import Events
from recommender.evaluation.ranks import gains, ranks
from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions
from recommender.interactions.items import PADDING, Items
from recommender.models.fit import cosine_adam, fit
from recommender.models.sequence import SequenceData, SequenceModel
from recommender.training.fit_sequence import batches, fit_sequence
from recommender.training.windows import Timelines, Windows
from schemas.settings import SequenceModelSettings, Settings
from schemas.settings.on_device import FeatureInput

Scores = Callable[[Windows], np.ndarray]
"""Returns the scores of all items for windows, [n, num_items + 1]; the first column is padding."""
_WINDOWS_PER_CALL = 1_024


def recalls(scores: Scores, windows: Windows, leave_out: bool = False) -> dict[str, float]:
    """Measures recall, the mean rank and NDCG@10 of the windows' labels, the one relevant item of each window.

    Args:
      scores: scores of a contender.
      windows: the windows to score.
      leave_out: whether the items of a window's context are left out of its list.
    """
    found = []
    for begin in range(0, len(windows.label), _WINDOWS_PER_CALL):
        block = windows.take(slice(begin, begin + _WINDOWS_PER_CALL))
        values = scores(block)
        left_out = np.zeros(values.shape, bool)
        left_out[:, PADDING] = True
        if leave_out:
            left_out[np.arange(len(values))[:, np.newaxis], block.context["item"]] = True
        found.append(ranks(values, block.label, left_out))
    rank = np.concatenate(found)
    return {
        "windows": len(rank),
        **{f"recall@{k}": float(np.mean(rank <= k)) for k in (10, 50, 100)},
        "NDCG@10": float(np.mean(gains(rank, 10))),
        "mean rank": float(np.mean(rank)),
    }


def numbered(events: Events, items: Items) -> Interactions:
    """Sorts events, with the item numbers of the catalogue, into the order that the models require."""
    return events.sorted(int(events.user.max()) + 1, len(items.ids) + 1)


def tiled(popularity: np.ndarray) -> Scores:
    """Makes scores that rank all windows by the same [num_items + 1] counts."""
    return lambda windows: np.tile(popularity.astype(np.float64), (len(windows.label), 1))


def of_model(model: SequenceModel) -> Scores:
    """Makes scores from a fitted model, which ignores features that it was not trained with."""
    return lambda windows: model.score(model.encode(windows.context)).numpy()


def fit_original(train: Windows, popularity: np.ndarray, changes: dict[str, Any], seed: int) -> Scores:
    """Fits a model to the windows for all epochs in the settings, without early stopping."""
    settings = SequenceModelSettings.model_validate({"name": "original", "exclude_seen": False} | changes)
    tf.keras.utils.set_random_seed(seed)
    model = SequenceModel(SequenceData(popularity, 0, 0, 0.0, 1.0), settings)
    num_batches = -(-len(train.label) // settings.batch_size)
    optimizer = cosine_adam(settings.learning_rate, num_batches, settings.epochs)
    fit("original", model, batches(train, settings.batch_size, seed), num_batches, optimizer, settings.epochs)
    return of_model(model)


def baselines(train: Events, test: Events, items: Items) -> dict[str, dict[str, float]]:
    """Measures popularity, and item-kNN: cosine similarities of items by their users, summed over the context."""
    windows = Timelines(numbered(train, items), items).windows(numbered(test, items), {"item": FeatureInput(length=10)})
    size = len(items.ids) + 1
    rated = sparse.coo_matrix(
        (np.ones(len(train.user)), (train.user, train.item)), (train.user.max() + 1, size)
    ).tocsr()
    together = (rated.T @ rated).toarray()
    root = np.sqrt(np.maximum(np.diag(together), 1))
    similarities = together / root / root[:, np.newaxis]
    np.fill_diagonal(similarities, 0)

    def neighbours(block: Windows) -> np.ndarray:
        return similarities[block.context["item"]].sum(axis=1)

    popularity = np.append(0, items.popularity)
    return {
        "most popular": recalls(tiled(popularity), windows, leave_out=True),
        "item-kNN, cosine": recalls(neighbours, windows, leave_out=True),
    }


def measure_time_split(
    train: Events,
    test: Events,
    items: Items,
    encoder: str,
    features: dict[str, FeatureInput],
    settings: Settings,
    seed: int,
) -> dict[str, float]:
    """Fits a model as the pipeline does with a split by time; measures test events with an earlier training event."""
    chosen = SequenceModelSettings.model_validate({"name": encoder, "encoder": encoder, "features": features})
    split = settings.split.model_copy(update={"method": "time"})
    training = settings.training.model_copy(update={"seed": seed})
    events = hold_out(numbered(train, items), training.validation_share, split.method, seed)
    fitted = fit_sequence(events, items, chosen, split, training)
    # All windows have item ids, even for models that do not read them, since all lists exclude the context's items.
    inputs = {"item": FeatureInput(length=10)} | features
    windows = Timelines(numbered(train, items), items).windows(numbered(test, items), inputs)
    return recalls(of_model(fitted.model), windows, leave_out=True)
