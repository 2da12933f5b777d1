"""The recommender as a library: from data files to recommendations in one process, without TFX."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from recommender.evaluation import metrics
from recommender.evaluation.intervals import Interval, jackknife_over_users
from recommender.interactions.dataset import Dataset, split
from recommender.interactions.interactions import Interactions
from recommender.serving.export import save
from recommender.serving.recommender import Parts, Recommender
from recommender.serving.serving import Served
from recommender.sources.dataset import read_csv
from recommender.training.fit_recommender import fit_recommender
from schemas import signatures as names
from schemas.settings import ServingSettings, check

__all__ = ["Model", "Recommendation", "fit", "read_csv", "split"]

_EVENTS_AT_ONCE = 512


class Recommendation(NamedTuple):
    """A recommended item.

    score: the list is sorted by it, highest first. rating: predicted, within the scale; None if there are no ratings.
    """

    item_id: str
    title: str
    score: float
    rating: float | None


class Model:
    """A fitted recommender. served: its signatures as methods, as in the exported SavedModel."""

    def __init__(self, parts: Parts, settings: ServingSettings):
        """Creates the model from its fitted parts and the defaults of requests."""
        self._parts, self._settings = parts, settings
        self._recommender = Recommender(parts)
        self.served = Served(self._recommender, settings)

    def recommend(self, user_id: str | int, k: int = 10) -> list[Recommendation]:
        """Returns the best `k` items that the user has not seen; popular ones for an unknown user."""
        found = self.served.recommend(tf.constant([str(user_id)]), k=tf.constant(k))
        items, titles, scores = (found[name][0].numpy() for name in (names.ITEM_ID, names.TITLE, names.SCORE))
        ratings = found[names.RATING][0].numpy().tolist() if names.RATING in found else [None] * len(items)
        return [
            Recommendation(item.decode(), title.decode(), float(score), rating)
            for item, title, score, rating in zip(items, titles, scores, ratings, strict=True)
            if item
        ]

    def evaluate(self, test: Interactions) -> dict[str, Interval]:
        """Returns metrics by name (see `schemas.metrics`), also of the baselines, with 95 % intervals over users.

        Items are ranked among all that the user has not seen in training. The baselines are popularity for the ranks
        and user and item biases for the ratings. Interactions with items that the model does not know count as never
        recommended. A model of data without ratings has no metrics of ratings.

        Args:
          test: the second part of `split`.
        """
        parts = []
        for begin in range(0, len(test), _EVENTS_AT_ONCE):
            rows = slice(begin, begin + _EVENTS_AT_ONCE)
            users, items, times = test.user[rows], test.item[rows], test.timestamp[rows]
            judged = self._recommender.judge(tf.constant(users), tf.constant(items), tf.constant(times))
            rating, bias_rating = (judged.get(name) for name in (names.RATING, names.BIAS_RATING))
            added = metrics.contributions(
                rank=judged[names.RANK].numpy(),
                popularity_rank=judged[names.POPULARITY_RANK].numpy(),
                rating=None if rating is None else rating.numpy(),
                bias_rating=None if bias_rating is None else bias_rating.numpy(),
                label=test.rating[rows],
            )
            parts.append(added)
        return jackknife_over_users(np.concatenate(parts), test.user, metrics.from_means)

    def save(self, folder: str) -> None:
        """Writes a SavedModel with all signatures."""
        save(self._parts, folder, self._settings)


def fit(dataset: Dataset, **sections: Any) -> Model:
    """Fits retrieval, similar items and, if there are ratings, ranking.

    Args:
      dataset: training data; by default, a tenth is held out to decide when to stop, and then fitted too.
      sections: settings that differ from the defaults, by section, e.g. `split={"method": "time"}`; see
        docs/settings.md.

    Raises:
      DataError: there are too few interactions.
      SettingsError: a setting does not exist or has a value that is not allowed.
    """
    tree = {"name": "library", "data": {"folder": "."}, **sections}
    settings = check(tree, "fit")
    return Model(fit_recommender(dataset, settings).parts, settings.serving)
