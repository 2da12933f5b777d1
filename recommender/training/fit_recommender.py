"""Fits all models of a recommender."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.contexts import user_contexts
from recommender.interactions.dataset import Dataset
from recommender.interactions.hold_out import hold_out
from recommender.models.biases import fit_biases
from recommender.models.retrieval import RetrievalModel
from recommender.serving.ratings import Rater
from recommender.serving.recommender import Parts
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

    Without ratings there is no ranking model, and without times no model has features of time.

    Args:
      dataset: training data.
      settings: settings of the models, of the hold-out, and the seed.
      logs: folder for TensorBoard, or None.

    Raises:
      DataError: there are too few interactions to hold some out, or none has a time in a split by time.
      FloatingPointError: a training diverged.
    """
    if not dataset.interactions.has_times:
        settings = _without_times(settings)
    training, catalogue = settings.training, dataset.catalogue
    events = hold_out(dataset.interactions, training.validation_share, settings.split.method, training.seed)
    retrieval = fit_retrieval(events, catalogue, settings, logs)
    similar = fit_similar(events, catalogue, retrieval, settings, logs)
    ranking = fit_ranking(events.rated, catalogue, settings, logs) if dataset.interactions.has_ratings else None
    return FittedRecommender(_assemble(dataset, retrieval, similar, ranking, settings), retrieval)


def _without_times(settings: Settings) -> Settings:
    """Returns the settings without features of time."""
    network = settings.ranking.network.model_copy(update={"request_time": ()})
    return settings.model_copy(
        update={
            "retrieval": settings.retrieval.model_copy(update={"request_time": ()}),
            "ranking": settings.ranking.model_copy(update={"network": network}),
        }
    )


def _assemble(
    dataset: Dataset, retrieval: RetrievalModel, similar: SimilarVectors, rater: Rater | None, settings: Settings
) -> Parts:
    """Computes the vectors of every user, with their history in all training events, and of every item."""
    events, rated, catalogue = dataset.interactions, dataset.interactions.rated, dataset.catalogue
    biases, scale = None, None
    if rater is not None:
        biases = fit_biases(rated.user, rated.item, rated.rating, catalogue.num_users, catalogue.num_items)
        scale = settings.data.rating_scale or (float(rated.rating.min()), float(rated.rating.max()))
    retrieval.two_tower.tabulate_history_items()
    contexts = user_contexts(events, settings.retrieval.history_length, settings.split.method)
    return Parts(
        users=dataset.users,
        items=dataset.items,
        genres=dataset.genres,
        titles=dataset.titles,
        item_genres=catalogue.genres,
        # On the scale of the softmax's logits, like the scores of known users.
        fallback=np.log1p(retrieval.popularity),
        seen=contexts.seen,
        queries=encode_users(retrieval, contexts),
        candidates=encode_candidates(retrieval, catalogue.num_items),
        similar_queries=similar.queries,
        similar_candidates=similar.candidates,
        encoder=retrieval,
        history_length=settings.retrieval.history_length,
        now=int(events.timestamp.max()) if events.has_times else None,
        rater=rater,
        biases=biases,
        scale=scale,
    )
