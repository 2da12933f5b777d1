"""The `preprocessing_fn` of TFX's Transform: vocabularies.

It is analysed on the training ratings and on the catalogue, never on the evaluation split. Rating examples
lack the catalogue's features and vice versa, and some have no rating or no time, so all features are sparse, in the
input and in the output.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from schemas import signatures as names
from schemas.settings import FeatureSettings


def preprocessing_fn(inputs: dict[str, tf.SparseTensor], custom_config: dict[str, Any]) -> dict[str, tf.SparseTensor]:
    """Turns raw features into indices and numbers.

    Args:
      inputs: raw features by name, each a `SparseTensor` of dense shape `[batch, values]`.
      custom_config: `settings` holds the JSON of `FeatureSettings`.

    Returns:
      Transformed features by name, each a `SparseTensor` of dense shape `[batch, values]`. An index is in
      `[0, size of the vocabulary]`; the size itself stands for every value outside the vocabulary.
    """
    settings = FeatureSettings.model_validate_json(custom_config["settings"])
    # The catalogue lists all items, so that items without a rating have an index too.
    items = tft.vocabulary(inputs[names.ITEM_ID], vocab_filename=names.ITEM_VOCABULARY)
    outputs = {
        names.USER_INDEX: _index(inputs[names.USER_ID], names.USER_VOCABULARY),
        names.ITEM_INDEX: tft.apply_vocabulary(inputs[names.ITEM_ID], items, num_oov_buckets=1),
        names.GENRE_INDEX: _index(inputs[names.GENRES], names.GENRE_VOCABULARY),
        names.TITLE_WORD_INDEX: _index(
            inputs[names.TITLE_WORDS], names.TITLE_WORD_VOCABULARY, top_k=settings.title_words
        ),
    }
    for name in (names.RATING, names.TIMESTAMP, names.WEIGHT, names.POSITION, names.TITLE):
        outputs[name] = tf.sparse.map_values(tf.identity, inputs[name])
    return outputs


def _index(values: tf.SparseTensor, vocabulary: str, top_k: int | None = None) -> tf.SparseTensor:
    return tft.compute_and_apply_vocabulary(values, vocab_filename=vocabulary, num_oov_buckets=1, top_k=top_k)
