"""Models of the package implicit (Frederickson), fitted to the presence of training events, not to their ratings.

The hyperparameters are the best by NDCG@10 on `hold_out` of MovieLens 100K with the random protocol, from a grid over
dimension, regularisation and confidence (ALS) or learning rate and epochs (BPR); they are used for all data.
"""

from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase

from benchmarks.contender import Retrieval
from benchmarks.peers.baselines import interactions, least
from benchmarks.protocols import Data


def als(data: Data, seed: int) -> Retrieval:
    """Fits alternating least squares (Hu, Koren and Volinsky, 2008)."""
    model = AlternatingLeastSquares(factors=64, regularization=20, alpha=2, iterations=15, random_state=seed)
    return _fit(model, data)


def bpr(data: Data, seed: int) -> Retrieval:
    """Fits Bayesian personalised ranking (Rendle et al., 2009), with one thread to make a seed reproducible."""
    model = BayesianPersonalizedRanking(
        factors=64, learning_rate=0.003, regularization=0.03, iterations=200, num_threads=1, random_state=seed
    )
    return _fit(model, data)


def _fit(model: MatrixFactorizationBase, data: Data) -> Retrieval:
    model.fit(interactions(data), show_progress=False)
    users, items, last = model.user_factors, model.item_factors, least(data)
    return Retrieval(lambda rows: users[rows] @ items.T + last)
