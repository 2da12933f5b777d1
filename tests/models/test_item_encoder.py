import numpy as np
import pytest
import tensorflow as tf

from components.models.inputs import Catalogue, Ragged
from components.models.item_encoder import ItemEncoder

CATALOGUE = Catalogue(
    num_users=1,
    num_genres=2,
    num_title_words=3,
    genres=Ragged(np.array([0, 1, 1], np.int32), np.array([0, 2, 3, 3])),
    title_words=Ragged(np.array([0, 2, 3], np.int32), np.array([0, 1, 3, 3])),
)


def make_encoder(id_dropout: float = 0.0) -> tuple[ItemEncoder, dict[str, np.ndarray]]:
    encoder = ItemEncoder(CATALOGUE, np.array([5, 0, 1]), 2, id_dropout)
    tables = {weight.name.split(":")[0].split("_emb")[0].split("/")[-1]: weight.numpy() for weight in encoder.weights}
    return encoder, tables


def test_an_item_is_its_own_vector_and_the_means_of_its_genres_and_words() -> None:
    encoder, tables = make_encoder()
    ids, genres, words = tables["item"], tables["genre"], tables["title_word"]
    expected = [
        ids[0] + (genres[0] + genres[1]) / 2 + words[0],
        genres[1] + (words[2] + words[3]) / 2,  # never rated: nothing of its own
        ids[2],
        [0, 0],  # unknown
    ]
    assert encoder(tf.range(4)).numpy() == pytest.approx(np.array(expected), abs=1e-6)


def test_id_dropout_leaves_out_the_items_own_vector_only_in_training() -> None:
    encoder, tables = make_encoder(id_dropout=0.5)
    tf.keras.utils.set_random_seed(1)
    vectors = encoder(tf.zeros([1_000], tf.int32), training=True).numpy()
    content = (tables["genre"][0] + tables["genre"][1]) / 2 + tables["title_word"][0]
    without_id = np.all(np.abs(vectors - content) < 1e-6, axis=1)
    assert 400 < without_id.sum() < 600
    assert vectors[~without_id] == pytest.approx(
        np.tile(content + tables["item"][0], [(~without_id).sum(), 1]), abs=1e-6
    )
