"""The `preprocessing_fn` of TFX's Transform: vocabularies.

It is analysed on the splits `users` and `candidates`, which have each user and item once, and never on the evaluation
split. Examples of users lack the catalogue's features and vice versa, so all features are sparse, in the input and in
the output. No split is transformed: the Trainer reads the raw examples and looks up their strings in the vocabularies.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from schemas import signatures as names
from schemas.settings import FeatureSettings


def preprocessing_fn(inputs: dict[str, tf.SparseTensor], custom_config: dict[str, Any]) -> dict[str, tf.SparseTensor]:
    """Turns strings into indices.

    Args:
      inputs: raw features by name, each a `SparseTensor` of dense shape `[batch, values]`.
      custom_config: `settings` holds the JSON of `FeatureSettings`.

    Returns:
      Transformed features by name, each a `SparseTensor` of dense shape `[batch, values]`. An index is in
      `[0, size of the vocabulary]`; the size itself stands for every value outside the vocabulary.
    """
    settings = FeatureSettings.model_validate_json(custom_config["settings"])
    return {
        names.USER_INDEX: _index(inputs[names.USER_ID], names.USER_VOCABULARY),
        names.ITEM_INDEX: _index(inputs[names.ITEM_ID], names.ITEM_VOCABULARY),
        names.GENRE_INDEX: _index(inputs[names.GENRES], names.GENRE_VOCABULARY),
        names.TITLE_WORD_INDEX: _index(
            inputs[names.TITLE_WORDS], names.TITLE_WORD_VOCABULARY, top_k=settings.title_words
        ),
    }


def _index(values: tf.SparseTensor, vocabulary: str, top_k: int | None = None) -> tf.SparseTensor:
    return tft.compute_and_apply_vocabulary(values, vocab_filename=vocabulary, num_oov_buckets=1, top_k=top_k)
