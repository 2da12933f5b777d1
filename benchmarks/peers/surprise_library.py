"""Models of the package Surprise (Hug, 2020)."""

import numpy as np
import pandas as pd
from surprise import SVD, AlgoBase, Dataset, KNNBaseline, Reader

from benchmarks.contender import Rating, Refusal
from benchmarks.peers.baselines import LARGEST_CATALOGUE
from benchmarks.protocols import Data


def svd(data: Data, seed: int) -> Rating:
    """Fits biased matrix factorisation; on MovieLens 100K, these hyperparameters are better than the defaults."""
    return _fit(SVD(n_factors=100, n_epochs=60, reg_all=0.1, random_state=seed), data)


def knn_baseline(data: Data, seed: int) -> Rating:
    """Fits item-kNN by the Pearson correlation of ratings minus biases, the similarity that the package recommends."""
    if data.catalogue.num_items > LARGEST_CATALOGUE:
        raise Refusal(
            f"expected at most {LARGEST_CATALOGUE} items for a matrix of items by items, got {data.catalogue.num_items}"
        )
    return _fit(KNNBaseline(sim_options={"name": "pearson_baseline", "user_based": False}, verbose=False), data)


def _fit(model: AlgoBase, data: Data) -> Rating:
    frame = pd.DataFrame({"user": data.train.user, "item": data.train.item, "rating": data.train.rating})
    model.fit(Dataset.load_from_df(frame, Reader(rating_scale=data.scale)).build_full_trainset())

    def rate(users: np.ndarray, items: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
        return np.array([model.predict(user, item).est for user, item in zip(users, items, strict=True)])

    return Rating(rate)
