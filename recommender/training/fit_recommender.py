"""Fits all models of a recommender."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.contexts import Contexts, user_contexts
from recommender.interactions.dataset import Dataset
from recommender.interactions.hold_out import hold_out
from recommender.models.retrieval import RetrievalModel
from recommender.serving.recommender import Parts
from recommender.training.fit_retrieval import fit_retrieval
from recommender.training.fit_similar import SimilarVectors, fit_similar
from recommender.training.rating_weight import choose_rating_weight
from recommender.training.second_stage import SecondStage, fit_second_stage
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import ServingSettings, Settings
from schemas.training_record import RatingModel


class FittedRecommender(NamedTuple):
    """A fitted recommender.

    parts: the parts to serve. retrieval: the model that computed their vectors. serving: the settings, with the chosen
    `rating_weight`. rating_model: "bayesian", "network", or "biases" if the model of the settings is not better; None
    without ratings.
    """

    parts: Parts
    retrieval: RetrievalModel
    serving: ServingSettings
    rating_model: RatingModel | None


def fit_recommender(
    dataset: Dataset,
    settings: Settings,
    logs: str | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> FittedRecommender:
    """Fits retrieval, similar items and ranking.

    Without ratings there is no ranking model, and without times no model has features of time.

    Args:
      dataset: training data.
      settings: settings of the models, of the hold-out, and the seed.
      logs: folder for TensorBoard, or None.
      strategy: devices for the towers, see `training_strategy`; None: the default one.

    Raises:
      DataError: there are too few interactions to hold some out, or none has a time in a split by time.
      FloatingPointError: a training diverged.
    """
    if not dataset.interactions.has_times:
        settings = _without_times(settings)
    training, catalogue = settings.training, dataset.catalogue
    events = hold_out(dataset.interactions, training.validation_share, settings.split.method, training.seed)
    # First: TensorFlow does not return the memory that the other parts use.
    similar = fit_similar(events, catalogue, settings)
    ranking = fit_second_stage(events.rated, catalogue, settings, logs) if dataset.interactions.has_ratings else None
    serving = settings.serving

    def choose(model: RetrievalModel, contexts: Contexts) -> None:
        nonlocal serving
        if ranking and serving.rating_weight is None:
            weight = choose_rating_weight(model, contexts, ranking, events.held_out, serving, training.seed)
            serving = serving.model_copy(update={"rating_weight": weight})

    retrieval = fit_retrieval(events, catalogue, settings, logs, before_refit=choose, strategy=strategy)
    parts = _assemble(dataset, retrieval, similar, ranking, settings)
    return FittedRecommender(parts, retrieval, serving, ranking.model if ranking else None)


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
    dataset: Dataset,
    retrieval: RetrievalModel,
    similar: SimilarVectors,
    ranking: SecondStage | None,
    settings: Settings,
) -> Parts:
    """Computes the vectors of every user, with their history in all training events, and of every item."""
    events, catalogue = dataset.interactions, dataset.catalogue
    if retrieval.two_tower:
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
        rater=ranking.rater if ranking else None,
        biases=ranking.biases if ranking else None,
        scale=ranking.scale if ranking else None,
    )
