"""Fits the on-device models, and baselines, to windows and measures all with the same code."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
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
from schemas.settings import DataSettings, SequenceModelSettings, Settings
from schemas.settings.on_device import FeatureInput

Scores = Callable[[Windows], np.ndarray]
"""Windows to [n, num_items + 1] float, the first of which is padding's."""
_AT_ONCE = 1_024


def recalls(scores: Scores, windows: Windows, leave_out: bool = False) -> dict[str, float]:
    """Shares of the windows whose label is among the first, the mean rank and NDCG@10 (one relevant item a window).

    Args:
      scores: of a contender.
      windows: what is asked.
      leave_out: whether the items of the contexts are left out of the lists.
    """
    found = []
    for begin in range(0, len(windows.label), _AT_ONCE):
        block = windows.take(slice(begin, begin + _AT_ONCE))
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
    """Events with the numbers of the catalogue's items, as the models take them."""
    return events.sorted(int(events.user.max()) + 1, len(items.ids) + 1)


def tiled(popularity: np.ndarray) -> Scores:
    """The same list for all, by [num_items + 1] counts."""
    return lambda windows: np.tile(popularity.astype(np.float64), (len(windows.label), 1))


def of_model(model: SequenceModel) -> Scores:
    """Scores of a fitted model; it reads the features that it knows."""
    return lambda windows: model.score(model.encode(windows.context)).numpy()


def fit_original(train: Windows, popularity: np.ndarray, changes: dict[str, Any], seed: int) -> Scores:
    """Fits to the windows for all epochs of the settings, without early stopping."""
    settings = SequenceModelSettings.model_validate({"name": "original", "exclude_seen": False} | changes)
    tf.keras.utils.set_random_seed(seed)
    model = SequenceModel(SequenceData(popularity, 0, 0, 0.0, 1.0), settings)
    num_batches = -(-len(train.label) // settings.batch_size)
    optimizer = cosine_adam(settings.learning_rate, num_batches, settings.epochs)
    fit("original", model, batches(train, settings.batch_size, seed), num_batches, optimizer, settings.epochs)
    return of_model(model)


def baselines(train: Events, test: Events, items: Items) -> dict[str, dict[str, float]]:
    """Popularity, and cosine between the users of items, summed over the context."""
    windows = Timelines(numbered(train, items), items).windows(numbered(test, items), {"item": FeatureInput(length=10)})
    size = len(items.ids) + 1
    rated = sparse.coo_matrix(
        (np.ones(len(train.user)), (train.user, train.item)), (train.user.max() + 1, size)
    ).tocsr()
    together = (rated.T @ rated).toarray()
    root = np.sqrt(np.maximum(np.diag(together), 1))
    alike = together / root / root[:, np.newaxis]
    np.fill_diagonal(alike, 0)

    def neighbours(block: Windows) -> np.ndarray:
        return alike[block.context["item"]].sum(axis=1)

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
    """Fits as the pipeline does with a split by time, and measures on test events with an earlier training event."""
    chosen = SequenceModelSettings.model_validate({"name": encoder, "encoder": encoder, "features": features})
    split = settings.split.model_copy(update={"method": "time"})
    training = settings.training.model_copy(update={"seed": seed})
    events = hold_out(numbered(train, items), training.validation_share, split.method, seed)
    fitted = fit_sequence(events, items, chosen, split, training)
    # The items of the contexts are left out of all contenders' lists, including those that do not read ids.
    asked = {"item": FeatureInput(length=10)} | features
    windows = Timelines(numbered(train, items), items).windows(numbered(test, items), asked)
    return recalls(of_model(fitted.model), windows, leave_out=True)


def genres_of(data: DataSettings, ids: list[str]) -> list[list[str]]:
    """The names of each item's genres, from the items file."""
    columns = data.item_columns
    if not data.items or not columns.genres:
        return [[] for _ in ids]
    table = pd.read_csv(data.folder / data.items, sep=data.delimiter, dtype=str, keep_default_na=False)
    by_item = dict(zip(table[columns.item], table[columns.genres], strict=True))
    return [[name for name in by_item.get(item, "").split(data.genre_separator) if name] for item in ids]
