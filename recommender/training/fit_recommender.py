"""Fits all models of a recommender."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.contexts import user_contexts
from recommender.interactions.dataset import Dataset
from recommender.interactions.hold_out import hold_out
from recommender.models.biases import fit_biases
from recommender.models.retrieval import RetrievalModel
from recommender.serving.recommender import Parts, Rater
from recommender.training.fit_ranking import fit_ranking
from recommender.training.fit_retrieval import fit_retrieval
from recommender.training.fit_similar import SimilarVectors, fit_similar
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import Settings


class FittedRecommender(NamedTuple):
    """parts: the parts to serve. retrieval: the model that computed their vectors."""

    parts: Parts
    retrieval: RetrievalModel


def fit_recommender(dataset: Dataset, settings: Settings, logs: str | None = None) -> FittedRecommender:
    """Fits retrieval, similar items and ranking.

    Args:
      dataset: training data.
      settings: settings of the models, of the hold-out, and the seed.
      logs: folder for TensorBoard, or None.

    Raises:
      DataError: there are too few interactions to hold some out.
      FloatingPointError: a training diverged.
    """
    training, catalogue = settings.training, dataset.catalogue
    events = hold_out(dataset.interactions, training.validation_share, settings.split.method, training.seed)
    retrieval = fit_retrieval(events, catalogue, settings, logs)
    similar = fit_similar(events, catalogue, retrieval, settings, logs)
    ranking = fit_ranking(events, catalogue, settings, logs)
    return FittedRecommender(_assemble(dataset, retrieval, similar, ranking, settings), retrieval)


def _assemble(
    dataset: Dataset, retrieval: RetrievalModel, similar: SimilarVectors, rater: Rater, settings: Settings
) -> Parts:
    """Computes the vectors of every user, with their history in all training events, and of every item."""
    events, catalogue = dataset.interactions, dataset.catalogue
    retrieval.two_tower.tabulate_history_items()
    contexts = user_contexts(events, settings.retrieval.history_length, settings.split.method)
    return Parts(
        users=dataset.users,
        items=dataset.items,
        genres=dataset.genres,
        titles=dataset.titles,
        item_genres=catalogue.genres,
        popularity=events.popularity,
        # On the scale of the softmax's logits, like the scores of known users.
        fallback=np.log1p(retrieval.popularity_now(events.popularity)),
        seen=contexts.seen,
        queries=encode_users(retrieval, contexts),
        candidates=encode_candidates(retrieval, catalogue.num_items),
        similar_queries=similar.queries,
        similar_candidates=similar.candidates,
        encoder=retrieval,
        history_length=settings.retrieval.history_length,
        now=int(events.timestamp.max()),
        rater=rater,
        biases=fit_biases(events.user, events.item, events.rating, catalogue.num_users, catalogue.num_items),
        scale=settings.data.rating_scale or (float(events.rating.min()), float(events.rating.max())),
    )
