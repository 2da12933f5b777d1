"""Atalaya's models, fitted as in the Trainer."""

import numpy as np

from benchmarks.contender import Rating, Retrieval
from benchmarks.protocols import Data
from recommender.interactions.contexts import user_contexts
from recommender.interactions.hold_out import HoldOut, hold_out
from recommender.training import fit_ranking as ranking
from recommender.training import fit_retrieval as retrieval
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import Settings


def fit_retrieval(data: Data, seed: int, settings: Settings) -> Retrieval:
    """Fits the retrieval model, which ranks by recent popularity for new users, and new items by title and genres."""
    settings = _seeded(settings, data, seed)
    events = divided(data, settings)
    model = retrieval.fit_retrieval(events, data.catalogue, settings)
    contexts = user_contexts(events.interactions, settings.retrieval.history_length, settings.split.method)
    queries = encode_users(model, contexts)
    candidates = encode_candidates(model, data.catalogue.num_items)
    fallback = model.popularity

    def scores(users: np.ndarray) -> np.ndarray:
        return np.where(data.known_users[users][:, np.newaxis], queries[users] @ candidates.T, fallback)

    return Retrieval(scores, new_users=True, new_items=True)


def fit_rating(data: Data, seed: int, settings: Settings) -> Rating:
    """Fits the ranking model, which is judged with the time of each rating, and as it is served without a time."""
    settings = _seeded(settings, data, seed)
    model = ranking.fit_ranking(divided(data, settings), data.catalogue, settings)

    def rate(users: np.ndarray, items: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
        return model.rate(users, items, model.moments(users, timestamps)).numpy()

    return Rating(rate, served=lambda users, items: model.rate(users, items).numpy())


def divided(data: Data, settings: Settings) -> HoldOut:
    """Divides the training events as the Trainer does."""
    events = data.train.sorted(data.catalogue.num_users, data.catalogue.num_items)
    return hold_out(events, settings.training.validation_share, settings.split.method, settings.training.seed)


def _seeded(settings: Settings, data: Data, seed: int) -> Settings:
    method = "random" if data.protocol == "given" else data.protocol
    split = settings.split.model_copy(update={"method": method})
    training = settings.training.model_copy(update={"seed": seed})
    return settings.model_copy(update={"split": split, "training": training})
