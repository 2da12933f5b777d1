"""Bayesian factorisation machines of the package myFM (Ohtsuki): Gibbs sampling, which learns the regularisation."""

import contextlib
import io

import numpy as np
from myfm import MyFMRegressor, RelationBlock
from scipy import sparse

from benchmarks.contender import Rating
from benchmarks.peers.baselines import interactions
from benchmarks.protocols import Data


def one_hot(data: Data, seed: int, dimension: int, iterations: int) -> Rating:
    """Fits a model with the user and the item as features."""
    num_users, num_items = data.catalogue.num_users, data.catalogue.num_items
    users, items = (sparse.identity(size, format="csr") for size in (num_users, num_items))
    return _fit(data, seed, users, items, dimension, iterations)


def implicit_features(data: Data, seed: int, dimension: int, iterations: int) -> Rating:
    """Fits a model with additional features: the user's training items and the item's training users, of length 1.

    This is the best model in Rendle et al., "On the Difficulty of Evaluating Baselines" (2019), without its time
    features.
    """
    seen = interactions(data)
    return _fit(data, seed, _with_features(seen), _with_features(seen.T.tocsr()), dimension, iterations)


def _with_features(seen: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.maximum(np.diff(seen.indptr), 1))
    return sparse.hstack([sparse.identity(seen.shape[0]), sparse.diags(1 / lengths) @ seen], format="csr")


def _fit(
    data: Data, seed: int, users: sparse.csr_matrix, items: sparse.csr_matrix, dimension: int, iterations: int
) -> Rating:
    def blocks(user: np.ndarray, item: np.ndarray) -> list[RelationBlock]:
        return [RelationBlock(user, users), RelationBlock(item, items)]

    groups = [size for side in (users, items) for size in (side.shape[0], side.shape[1] - side.shape[0]) if size]
    train = data.train
    model = MyFMRegressor(rank=dimension, random_seed=seed)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar cannot be turned off
        model.fit(None, train.rating, blocks(train.user, train.item), n_iter=iterations, group_shapes=groups)
    return Rating(lambda user, item, timestamps: model.predict(None, blocks(user, item)))
