"""The recommender as a library: from data files to recommendations in one process, without TFX."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from recommender.evaluation.answers import Client
from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.intervals import Interval
from recommender.evaluation.judging import Bounds, fit_baselines, judge
from recommender.interactions.dataset import Dataset, split
from recommender.interactions.interactions import Interactions
from recommender.serving.export import save
from recommender.serving.recommender import Parts, Recommender
from recommender.serving.serving import Served
from recommender.sources.dataset import read_csv
from recommender.training.fit_recommender import fit_recommender
from schemas import signatures as names
from schemas.settings import Settings, check

__all__ = ["Model", "Recommendation", "fit", "read_csv", "split"]

_SEED = 0


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

    def __init__(self, parts: Parts, train: Interactions, settings: Settings):
        """Creates the model from its fitted parts, its training interactions and its settings."""
        self._parts, self._train, self._settings = parts, train, settings
        self.served = Served(Recommender(parts), settings.serving)

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

        What is measured are the answers of `recommend`, `retrieve` and `rate`. The baselines are popularity, recent
        popularity and an item-item model for the lists, and user and item biases for the ratings. Interactions with
        items that the model does not know count as never recommended. Of more users than `gate.max_users`, as many are
        drawn. A model of data without ratings has no metrics of ratings.

        Args:
          test: the second part of `split`.
        """
        held_out = HeldOut.of(test, _SEED, self._settings.gate.max_users)
        # A user beyond the last known one has an id that the model does not know.
        ids = np.array([*self._parts.users, b""], object)[np.minimum(held_out.users, len(self._parts.users))]
        answers = Client(self.served, self._parts.items).ask(held_out, ids, lambda done: None)
        features = self._settings.features
        found = judge(
            held_out=held_out,
            answers=answers,
            baselines=fit_baselines(self._train, held_out, self._biases(held_out), self._settings.split.method, _SEED),
            train=self._train,
            bounds=Bounds(features.user_activity_bounds, features.item_popularity_bounds),
            scale=self._parts.scale,
        )
        return {one.metric: one.interval for one in found if not one.slice}

    def _biases(self, held_out: HeldOut) -> np.ndarray | None:
        biases, scale = self._parts.biases, self._parts.scale
        if biases is None or scale is None:
            return None
        users = np.minimum(held_out.users, len(self._parts.users))[held_out.items.rows]
        return np.clip(biases.predict(users, held_out.items.values).astype(np.float64), *scale)

    def save(self, folder: str) -> None:
        """Writes a SavedModel with all signatures."""
        save(self._parts, folder, self._settings.serving)


def fit(dataset: Dataset, strategy: tf.distribute.Strategy | None = None, **sections: Any) -> Model:
    """Fits retrieval, similar items and, if there are ratings, ranking.

    Args:
      dataset: training data; by default, a tenth is held out to decide when to stop, and then fitted too.
      strategy: devices for the towers, see `training_strategy`; None: one.
      sections: settings that differ from the defaults, by section, e.g. `split={"method": "time"}`; see
        docs/settings.md.

    Raises:
      DataError: there are too few interactions.
      SettingsError: a setting does not exist or has a value that is not allowed.
    """
    tree = {"name": "library", "data": {"folder": "."}, **sections}
    settings = check(tree, "fit")
    fitted = fit_recommender(dataset, settings, strategy=strategy)
    chosen = settings.model_copy(update={"serving": fitted.serving})
    return Model(fitted.parts, dataset.interactions, chosen)
