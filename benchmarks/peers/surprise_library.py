"""Models of the package Surprise (Hug, 2020)."""

import numpy as np
import pandas as pd
from surprise import SVD, AlgoBase, Dataset, KNNBaseline, Reader

from benchmarks.contender import Rating
from benchmarks.peers.baselines import refuse_large
from benchmarks.protocols import Data


def svd(data: Data, seed: int, regularization: float, epochs: int, dimension: int) -> Rating:
    """Fits biased matrix factorisation."""
    return _fit(SVD(n_factors=dimension, n_epochs=epochs, reg_all=regularization, random_state=seed), data)


def knn_baseline(data: Data, seed: int, neighbours: int, shrinkage: int) -> Rating:
    """Fits item-kNN by the Pearson correlation of ratings minus biases, the similarity that the package recommends."""
    refuse_large(data)
    similarity = {"name": "pearson_baseline", "user_based": False, "shrinkage": shrinkage}
    return _fit(KNNBaseline(k=neighbours, sim_options=similarity, verbose=False), data)


def _fit(model: AlgoBase, data: Data) -> Rating:
    frame = pd.DataFrame({"user": data.train.user, "item": data.train.item, "rating": data.train.rating})
    model.fit(Dataset.load_from_df(frame, Reader(rating_scale=data.scale)).build_full_trainset())

    def rate(users: np.ndarray, items: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
        return np.array([model.predict(user, item).est for user, item in zip(users, items, strict=True)])

    return Rating(rate)
