"""Windows for the on-device models' measurements: in the protocol of the original example, and by the time split."""

from typing import NamedTuple

import numpy as np

from benchmarks.events import Events
from benchmarks.ratings import Ratings
from recommender.interactions.items import Items, describe
from recommender.training.windows import Windows
from schemas.settings.on_device import FeatureInput

SPLIT_SEED = 42


class Pooled(NamedTuple):
    """Windows of all users, shuffled and split; `fitted` is what remains of training without `held_out`."""

    train: Windows
    fitted: Windows
    held_out: Windows
    test: Windows


def number_items(ratings: Ratings, train: Events, genres: list[list[str]]) -> tuple[Items, np.ndarray]:
    """The catalogue as the step numbers it, and [num_items] the numbers of the items of `ratings`.

    Args:
      ratings: whose items they are.
      train: training events, by which popularity is counted.
      genres: the names of each item's.
    """
    popularity = np.bincount(train.item, minlength=len(ratings.ids))
    order = np.lexsort((np.array(ratings.ids), -popularity))
    numbers = np.empty(len(order), np.int32)
    numbers[order] = np.arange(1, len(order) + 1)
    ids, titles = ([values[row] for row in order] for values in (ratings.ids, ratings.titles))
    return describe(ids, titles, [genres[row] for row in order], popularity[order]), numbers


def original_windows(events: Events, length: int, min_rating: float = 2.0, min_events: int = 3) -> Pooled:
    """Cuts windows as the on-device example of tensorflow/examples does (`example_generation_movielens.py`).

    Ratings of at least `min_rating`; each user's in order of time, of the same second in that of the file; users with
    fewer than `min_events` are left out; each event but the first is a label, its context the `length` before. All
    windows are shuffled, and the last tenth is the test: so a user's later windows are trained on, and it leaks.
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
"""What describes the events, for the table of the time split."""
