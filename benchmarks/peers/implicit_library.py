"""Models of the package implicit (Frederickson), fitted to the presence of training events, not to their ratings."""

from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase
from threadpoolctl import threadpool_limits

from benchmarks.contender import Retrieval
from benchmarks.peers.baselines import interactions, least
from benchmarks.protocols import Data


def als(data: Data, seed: int, alpha: float, regularization: float, dimension: int) -> Retrieval:
    """Fits alternating least squares (Hu, Koren and Volinsky, 2008)."""
    model = AlternatingLeastSquares(
        factors=dimension, regularization=regularization, alpha=alpha, iterations=15, random_state=seed
    )
    return _fit(model, data)


def bpr(data: Data, seed: int, learning_rate: float, epochs: int, regularization: float, dimension: int) -> Retrieval:
    """Fits Bayesian personalised ranking (Rendle et al., 2009), with one thread to make a seed reproducible."""
    model = BayesianPersonalizedRanking(
        factors=dimension,
        learning_rate=learning_rate,
        regularization=regularization,
        iterations=epochs,
        num_threads=1,
        random_state=seed,
    )
    return _fit(model, data)


def _fit(model: MatrixFactorizationBase, data: Data) -> Retrieval:
    with threadpool_limits(1, "blas"):  # as the package recommends: it has its own threads
        model.fit(interactions(data), show_progress=False)
    users, items, last = model.user_factors, model.item_factors, least(data)
    return Retrieval(lambda rows: users[rows] @ items.T + last)
