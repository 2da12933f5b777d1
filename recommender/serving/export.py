"""Exports the parts of a recommender as one SavedModel."""

import tensorflow as tf

from recommender.serving.recommender import Parts, Recommender
from recommender.serving.serving import Served
from schemas.settings import ServingSettings


def save(parts: Parts, folder: str, settings: ServingSettings) -> None:
    """Writes the SavedModel with its signatures."""
    served = Served(Recommender(parts), settings)
    tf.saved_model.save(served, folder, signatures=served.signatures())
