"""Atalaya's own models, fitted as the trainer does."""

import numpy as np

from benchmarks.contender import Rating, Retrieval
from benchmarks.protocols import Data
from components.example_gen.history import Histories, Interactions
from components.models.inputs import Events, Ragged
from components.trainer.fit import fit_ranking, fit_two_tower
from components.trainer.validation import latest_histories
from components.trainer.vectors import rating_factors, retrieval_vectors
from schemas.settings import Settings


def fit_retrieval(data: Data, seed: int, settings: Settings) -> Retrieval:
    """The two-tower model; the unknown user's row, title and genres speak for whom and what it has not seen."""
    settings = _seeded(settings, data, seed)
    events = _with_histories(data, settings.features.history_length)
    model = fit_two_tower(events, data.catalogue, settings)
    histories = latest_histories(data.train, data.catalogue.num_users, settings.features.history_length)
    vectors = retrieval_vectors(model, histories, data.catalogue)
    return Retrieval(lambda users: vectors.queries[users] @ vectors.candidates.T, new_users=True, new_items=True)


def fit_rating(data: Data, seed: int, settings: Settings) -> Rating:
    """The ranking model."""
    settings = _seeded(settings, data, seed)
    events = _with_histories(data, settings.features.history_length)
    model = fit_ranking(events, data.catalogue, settings)
    histories = latest_histories(data.train, data.catalogue.num_users, settings.features.history_length)
    factors = rating_factors(model, histories, data.catalogue)
    return Rating(lambda users, items, timestamps: factors.predict(users, items))


def _seeded(settings: Settings, data: Data, seed: int) -> Settings:
    split = settings.split.model_copy(update={"method": data.protocol})
    training = settings.training.model_copy(update={"seed": seed})
    return settings.model_copy(update={"split": split, "training": training})


def _with_histories(data: Data, length: int) -> Events:
    """Gives each training event its user's latest others; under a division by time, those earlier than it."""
    train = data.train
    order = np.lexsort((train.item, train.timestamp, train.user))
    known = Interactions(train.user[order].astype(np.int64), train.item[order].astype(np.int64), train.timestamp[order])
    histories = Histories(known, length, strictly_earlier=data.protocol == "time")
    splits, places = histories.of(Interactions(train.user.astype(np.int64), train.item, train.timestamp))
    return train._replace(
        history=Ragged(train.item[order][places], splits), history_rating=Ragged(train.rating[order][places], splits)
    )
