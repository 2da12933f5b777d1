"""From fitted models to one SavedModel."""

import numpy as np
import tensorflow as tf

from recommender.interactions.contexts import user_contexts
from recommender.interactions.examples import Candidates, Vocabularies
from recommender.interactions.inputs import Events
from recommender.models.biases import fit_biases
from recommender.models.retrieval import RetrievalModel
from recommender.serving.recommender import Parts, Rater, Recommender
from recommender.serving.serving import Served
from recommender.training.fit_similar import SimilarVectors
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import ServingSettings, Settings


def assemble(
    retrieval: RetrievalModel,
    similar: SimilarVectors,
    rater: Rater,
    events: Events,
    candidates: Candidates,
    vocabularies: Vocabularies,
    settings: Settings,
) -> Parts:
    """Computes the vectors of every user, with his history in all training events, and of every item."""
    catalogue = candidates.catalogue
    retrieval.two_tower.tabulate_history_items()
    contexts = user_contexts(events, catalogue.num_users, settings)
    return Parts(
        users=vocabularies.users,
        items=vocabularies.items,
        genres=vocabularies.genres,
        titles=candidates.titles,
        item_genres=catalogue.genres,
        popularity=candidates.popularity,
        # On the scale of the softmax's logits, like the scores of those who are known.
        fallback=np.log1p(retrieval.popularity_now(candidates.popularity)),
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


def save(parts: Parts, folder: str, settings: ServingSettings) -> None:
    """Writes the SavedModel with its signatures."""
    served = Served(Recommender(parts), settings)
    tf.saved_model.save(served, folder, signatures=served.signatures())
