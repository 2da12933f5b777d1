"""From fitted models to one SavedModel."""

import tensorflow as tf

from components.models.biases import fit_biases
from components.models.inputs import Events
from components.models.ranking import RankingModel
from components.models.two_tower import TwoTowerModel
from components.trainer.datasets import Candidates, Vocabularies
from components.trainer.recommender import Parts, Recommender
from components.trainer.validation import latest_histories, seen_items
from components.trainer.vectors import rating_factors, retrieval_vectors
from schemas import signatures as names
from schemas.settings import Settings


def assemble(
    two_tower: TwoTowerModel,
    ranking: RankingModel,
    events: Events,
    candidates: Candidates,
    vocabularies: Vocabularies,
    settings: Settings,
) -> Parts:
    """Computes the vectors of every user, with his latest events of all training events, and of every item."""
    catalogue = candidates.catalogue
    histories = latest_histories(events, catalogue.num_users, settings.features.history_length)
    scale = settings.data.rating_scale or (float(events.rating.min()), float(events.rating.max()))
    return Parts(
        vocabularies.users,
        vocabularies.items,
        candidates.titles,
        candidates.popularity,
        seen_items(events, catalogue.num_users),
        retrieval_vectors(two_tower, histories, catalogue),
        rating_factors(ranking, histories, catalogue),
        fit_biases(events.user, events.item, events.rating, catalogue.num_users, catalogue.num_items),
        scale,
    )


def save(parts: Parts, folder: str) -> None:
    """Writes the SavedModel with the signatures `serving_default` and `recommend` (the same), `rate`, `evaluate`."""
    recommender = Recommender(parts)
    signatures = {
        names.SERVING_DEFAULT: recommender.recommend,
        names.RECOMMEND: recommender.recommend,
        names.RATE: recommender.rate,
        names.EVALUATE: recommender.evaluate,
    }
    tf.saved_model.save(recommender, folder, signatures=signatures)
