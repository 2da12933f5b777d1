"""Windows for measuring the on-device models, with the protocol of the original example and with the time split."""

from typing import NamedTuple

import numpy as np

from benchmarks.events import Events
from benchmarks.ratings import Ratings
from recommender.interactions.items import Items, describe
from recommender.training.windows import Windows
from schemas.settings.on_device import FeatureInput

SPLIT_SEED = 42


class Pooled(NamedTuple):
    """Windows of all users, shuffled and split; `train` is `fitted` and `held_out` together."""

    train: Windows
    fitted: Windows
    held_out: Windows
    test: Windows


def number_items(ratings: Ratings, train: Events) -> tuple[Items, np.ndarray]:
    """Numbers the items as the pipeline's step does, by popularity.

    Args:
      ratings: ratings with the items to number.
      train: training events, from which popularity is counted.

    Returns:
      The catalogue in the order of the numbers, and the number of each item of `ratings`, [num_items] int32.
    """
    popularity = np.bincount(train.item, minlength=len(ratings.ids))
    order = np.lexsort((np.array(ratings.ids), -popularity))
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(1, len(order) + 1)
    ids, titles = ([values[row] for row in order] for values in (ratings.ids, ratings.titles))
    return describe(ids, titles, [ratings.genres[row] for row in order], popularity[order]), numbers


def original_windows(events: Events, length: int, min_rating: float = 2.0, min_events: int = 3) -> Pooled:
    """Makes windows like the on-device example of tensorflow/examples (`example_generation_movielens.py`).

    Events are the ratings of at least `min_rating`, sorted by time for each user (ties in file order), without users
    who have fewer than `min_events`. Each event but a user's first is a label; its context is the `length` events
    before. All windows are shuffled, and the last tenth is the test, so training leaks later events of its users.
    """
    events = events.take(events.rating >= min_rating)
    events = events.take(np.argsort(events.timestamp, kind="stable"))
    events = events.take(np.argsort(events.user, kind="stable"))
    first = np.searchsorted(events.user, events.user)
    many = np.bincount(events.user)[events.user] >= min_events
    labels = np.flatnonzero((np.arange(len(first)) > first) & many)
    begin = np.maximum(first[labels], labels - length)
    places = begin[:, np.newaxis] + np.arange(length)
    context = np.where(places < labels[:, np.newaxis], events.item[np.minimum(places, len(first) - 1)], 0)
    windows = Windows(
        {"item": context.astype(np.int32)}, events.item[labels], labels, (labels - begin).astype(np.int32)
    )
    order = np.random.RandomState(SPLIT_SEED).permutation(len(labels))
    num_train = round(len(labels) * 0.9)
    num_fitted = round(num_train * 0.9)
    parts = (order[:num_train], order[:num_fitted], order[num_fitted:num_train], order[num_train:])
    return Pooled(*(windows.take(part) for part in parts))


FEATURES: dict[str, dict[str, FeatureInput]] = {
    "ids": {"item": FeatureInput(length=10)},
    "features": {
        "genre": FeatureInput(length=32),
        "title_word": FeatureInput(length=32),
        "rating": FeatureInput(length=10),
        "age": FeatureInput(length=10),
    },
}
FEATURES["both"] = FEATURES["ids"] | FEATURES["features"]
"""Sets of inputs that describe the events, for the table of the time split."""
