"""Compares Atalaya's models with simple baselines and the TFRS tutorials' models on MovieLens-100K.

The protocol is a random split without a time order: rows in file order, a permutation by numpy's RandomState(42),
the first 80,000 for training, the rest for testing; candidates are all 1,682 items. Every rating counts as a positive.

    python -m benchmarks.quality --data data/movielens-100k --seeds 42 43 44
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_recommenders as tfrs

from components.models.biases import fit_biases
from components.models.inputs import Catalogue, Events, Ragged
from components.trainer.fit import fit_ranking, fit_two_tower
from components.trainer.validation import Histories, latest_histories
from components.trainer.vectors import rating_factors, retrieval_vectors
from schemas.settings import Settings

NUM_TRAIN = 80_000
SCALE = (1.0, 5.0)


class Data(NamedTuple):
    """train, test: the events; only those of `train` have histories."""

    train: Events
    test: Events
    catalogue: Catalogue


def read(folder: Path, history_length: int) -> Data:
    """Reads MovieLens-100K and divides it."""
    ratings, items = pd.read_csv(folder / "ratings.csv"), pd.read_csv(folder / "items.csv").fillna("")
    item_index = pd.Index(items["item_id"])
    users, user = np.unique(ratings["user_id"], return_inverse=True)
    genres = _indices([re.split(r"\|", text) if text else [] for text in items["genres"]])
    words = _indices([re.findall(r"\w+", text.lower()) for text in items["title"]])
    catalogue = Catalogue(len(users), _count(genres), _count(words), genres, words)
    order = np.random.RandomState(42).permutation(len(ratings))
    columns = (
        user.astype(np.int32),
        item_index.get_indexer(ratings["item_id"]).astype(np.int32),
        ratings["rating"].to_numpy(np.float32),
        ratings["timestamp"].to_numpy(np.int64),
    )
    train, test = (
        _without_histories(*(column[rows] for column in columns)) for rows in (order[:NUM_TRAIN], order[NUM_TRAIN:])
    )
    return Data(_with_histories(train, len(users), history_length), test, catalogue)


def _indices(rows: list[list[str]]) -> Ragged:
    splits = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return Ragged(np.unique([value for row in rows for value in row], return_inverse=True)[1].astype(np.int32), splits)


def _count(rows: Ragged) -> int:
    return int(rows.values.max()) + 1


def _without_histories(user: np.ndarray, item: np.ndarray, rating: np.ndarray, timestamp: np.ndarray) -> Events:
    empty = np.zeros(len(user) + 1, np.int64)
    return Events(
        user, item, rating, timestamp, Ragged(np.array([], np.int32), empty), Ragged(np.array([], np.float32), empty)
    )


def _with_histories(events: Events, num_users: int, length: int) -> Events:
    """Gives each event the latest other events of its user."""
    known = latest_histories(events, num_users, len(events.user))
    items, ratings = [], []
    for user, item in zip(events.user, events.item, strict=True):
        row = slice(known.items.row_splits[user], known.items.row_splits[user + 1])
        other = known.items.values[row] != item
        items.append(known.items.values[row][other][-length:])
        ratings.append(known.ratings.values[row][other][-length:])
    splits = np.concatenate([[0], np.cumsum([len(row) for row in items])])
    return events._replace(
        history=Ragged(np.concatenate(items), splits), history_rating=Ragged(np.concatenate(ratings), splits)
    )


def ranking_metrics(scores: np.ndarray, data: Data) -> dict[str, float]:
    """Measures of scores, [num_users, num_items]: rank = 1 + number of items scored higher.

    a@K: share of test events whose item is among the first K of all; b@K: of those not in the user's training
    events. NDCG@10: binary, a mean over users, training items left out.
    """
    user, item = data.test.user, data.test.item
    own = scores[user, item]
    among_all = 1 + np.sum(~(scores[user] <= own[:, np.newaxis]), axis=1)
    unseen = scores.copy()
    unseen[data.train.user, data.train.item] = -np.inf
    ranks = 1 + np.sum(~(unseen[user] <= own[:, np.newaxis]), axis=1)  # not a number: last
    gains = np.bincount(user, np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0), len(scores))
    counts = np.bincount(user, minlength=len(scores))
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(1 + np.arange(1, 11)))])[np.minimum(counts, 10)]
    tested = counts > 0
    return {
        "b@100": float(np.mean(ranks <= 100)),
        "b@10": float(np.mean(ranks <= 10)),
        "a@100": float(np.mean(among_all <= 100)),
        "NDCG@10": float(np.mean(gains[tested] / ideal[tested])),
    }


def rating_metrics(ratings: np.ndarray, data: Data) -> dict[str, float]:
    """RMSE and MAE of predictions, [num_test], clipped to the scale."""
    errors = np.clip(ratings, *SCALE) - data.test.rating
    return {"RMSE": float(np.sqrt(np.mean(errors**2))), "MAE": float(np.mean(np.abs(errors)))}


def popularity(data: Data, seed: int) -> dict[str, float]:
    """Most popular first."""
    counts = np.bincount(data.train.item, minlength=data.catalogue.num_items).astype(np.float32)
    return ranking_metrics(np.tile(counts, (data.catalogue.num_users, 1)), data)


def biases(data: Data, seed: int) -> dict[str, float]:
    """User and item biases."""
    train, catalogue = data.train, data.catalogue
    fitted = fit_biases(train.user, train.item, train.rating, catalogue.num_users, catalogue.num_items)
    return rating_metrics(fitted.predict(data.test.user, data.test.item), data)


def two_tower(data: Data, seed: int) -> dict[str, float]:
    """Atalaya's retrieval model."""
    settings = _settings(seed)
    model = fit_two_tower(data.train, data.catalogue, settings)
    vectors = retrieval_vectors(model, _histories(data, settings), data.catalogue)
    return ranking_metrics(vectors.queries[:-1] @ vectors.candidates.T, data)


def ranking(data: Data, seed: int) -> dict[str, float]:
    """Atalaya's ranking model."""
    settings = _settings(seed)
    model = fit_ranking(data.train, data.catalogue, settings)
    factors = rating_factors(model, _histories(data, settings), data.catalogue)
    return rating_metrics(factors.predict(data.test.user, data.test.item), data)


def _settings(seed: int) -> Settings:
    return Settings.model_validate({"name": "quality", "data": {"folder": "."}, "training": {"seed": seed}})


def _histories(data: Data, settings: Settings) -> Histories:
    return latest_histories(data.train, data.catalogue.num_users, settings.features.history_length)


def tutorial_retrieval(data: Data, seed: int) -> dict[str, float]:
    """The basic retrieval tutorial of TensorFlow Recommenders, without its metric during training."""
    tf.keras.utils.set_random_seed(seed)
    model = _TutorialRetrieval(data.catalogue)
    model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
    model.fit(_tutorial_batches(data.train), epochs=3, verbose=0)
    queries, candidates = model.users.embeddings.numpy()[:-1], model.items.embeddings.numpy()[:-1]
    return ranking_metrics(queries @ candidates.T, data)


def tutorial_ranking(data: Data, seed: int) -> dict[str, float]:
    """The basic ranking tutorial of TensorFlow Recommenders."""
    tf.keras.utils.set_random_seed(seed)
    model = _TutorialRanking(data.catalogue)
    model.compile(optimizer=tf.keras.optimizers.Adagrad(0.1))
    model.fit(_tutorial_batches(data.train), epochs=3, verbose=0)
    return rating_metrics(model({"user": data.test.user, "item": data.test.item}).numpy()[:, 0], data)


def _tutorial_batches(train: Events) -> tf.data.Dataset:
    rows = tf.data.Dataset.from_tensor_slices({"user": train.user, "item": train.item, "rating": train.rating})
    return rows.shuffle(len(train.user), seed=42).batch(8192).cache()


class _TutorialRetrieval(tfrs.Model):
    def __init__(self, catalogue: Catalogue):
        super().__init__()
        self.users = tf.keras.layers.Embedding(catalogue.num_users + 1, 32)
        self.items = tf.keras.layers.Embedding(catalogue.num_items + 1, 32)
        self.task = tfrs.tasks.Retrieval()

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.task(self.users(inputs["user"]), self.items(inputs["item"]))


class _TutorialRanking(tfrs.Model):
    def __init__(self, catalogue: Catalogue):
        super().__init__()
        self.users = tf.keras.layers.Embedding(catalogue.num_users + 1, 32)
        self.items = tf.keras.layers.Embedding(catalogue.num_items + 1, 32)
        self.ratings = tf.keras.Sequential(
            [
                tf.keras.layers.Dense(256, activation="relu"),
                tf.keras.layers.Dense(64, activation="relu"),
                tf.keras.layers.Dense(1),
            ]
        )
        self.task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError())

    def call(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return self.ratings(tf.concat([self.users(inputs["user"]), self.items(inputs["item"])], axis=1))

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        return self.task(labels=inputs["rating"][:, tf.newaxis], predictions=self(inputs))


CONTENDERS: dict[str, Callable[[Data, int], dict[str, float]]] = {
    "popularity": popularity,
    "tutorial-retrieval": tutorial_retrieval,
    "two-tower": two_tower,
    "biases": biases,
    "tutorial-ranking": tutorial_ranking,
    "ranking": ranking,
}


FLOORS: dict[str, dict[str, tuple[str, float]]] = {
    "two-tower": {"b@100": ("at least", 0.60), "NDCG@10": ("at least", 0.40)},
    "ranking": {"RMSE": ("at most", 0.92)},
}
"""What our models have to reach, the mean over the seeds."""


def main() -> None:
    """Prints a line for each contender: the mean over the seeds, and the spread (highest - lowest) if several.

    Ends with status 1 if one of ours misses a floor.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/movielens-100k"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    arguments = parser.parse_args()
    data = read(arguments.data, _settings(0).features.history_length)
    missed = False
    for name in arguments.only:
        runs = []
        for seed in arguments.seeds:
            wall, cpu = time.monotonic(), time.process_time()
            run = CONTENDERS[name](data, seed)
            runs.append(run | {"seconds": time.monotonic() - wall, "cpu": time.process_time() - cpu})
        table = pd.DataFrame(runs)
        spread = table.max() - table.min()
        cells = [
            f"{column} {table[column].mean():.4g}" + (f" (spread {spread[column]:.2g})" if len(runs) > 1 else "")
            for column in table
        ]
        print(f"{name:<20}" + "  ".join(cells), flush=True)
        for column, (bound, floor) in FLOORS.get(name, {}).items():
            reached = table[column].mean() >= floor if bound == "at least" else table[column].mean() <= floor
            missed |= not reached
            print(f"{'':<20}{column} {bound} {floor}: {'reached' if reached else 'MISSED'}", flush=True)
    sys.exit(missed)


if __name__ == "__main__":
    main()
