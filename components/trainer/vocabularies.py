"""The vocabularies written by Transform."""

import tensorflow_transform as tft

from recommender.interactions.examples import Vocabularies
from schemas import signatures as names


def read_vocabularies(transform_graph: str) -> Vocabularies:
    """Reads the vocabularies of Transform's output in the folder `transform_graph`."""
    output = tft.TFTransformOutput(transform_graph)
    return Vocabularies(
        output.vocabulary_by_name(names.USER_VOCABULARY),
        output.vocabulary_by_name(names.ITEM_VOCABULARY),
        output.vocabulary_by_name(names.GENRE_VOCABULARY),
        output.vocabulary_by_name(names.TITLE_WORD_VOCABULARY),
    )
