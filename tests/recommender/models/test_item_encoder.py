import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.item_encoder import ItemEncoder
from schemas.settings.shared import ItemFeatures

CATALOGUE = Catalogue(
    num_users=1,
    num_genres=2,
    num_title_words=3,
    num_release_periods=2,
    genres=Ragged(np.array([0, 1, 1], np.int32), np.array([0, 2, 3, 3])),
    title_words=Ragged(np.array([0, 2, 3], np.int32), np.array([0, 1, 3, 3])),
    release_periods=Ragged(np.array([1, 0], np.int32), np.array([0, 0, 1, 2])),
)


def make_encoder(**switches: bool) -> tuple[ItemEncoder, dict[str, np.ndarray]]:
    encoder = ItemEncoder(CATALOGUE, 2, ItemFeatures(**switches))
    rng = np.random.default_rng(3)
    encoder.set_weights([rng.normal(size=weight.shape) for weight in encoder.weights])
    return encoder, {weight.name.split(":")[0].split("/")[-1]: weight.numpy() for weight in encoder.weights}


def test_an_item_is_the_sum_of_its_own_vector_and_its_features() -> None:
    encoder, tables = make_encoder()
    ids, genres, words = (tables[f"{name}_embeddings"] for name in ("item", "genre", "title_word"))
    periods = tables["release_period_embeddings"]
    known = np.array([1, 0, 1, 0], np.float32)
    expected = [
        ids[0] + (genres[0] + genres[1]) / 2 + words[0],
        genres[1] + (words[2] + words[3]) / 2 + periods[1],  # nothing of its own
        ids[2] + periods[0],
        [0, 0],  # unknown
    ]
    assert encoder(tf.range(4), tf.constant(known)).numpy() == pytest.approx(np.array(expected), abs=1e-6)


def test_features_are_switched_off_by_settings() -> None:
    encoder, tables = make_encoder(genres=False, title_words=False, release_year=False)
    assert set(tables) == {"item_embeddings"}
    assert encoder(tf.range(3), tf.ones([3])).numpy() == pytest.approx(tables["item_embeddings"][:3])
    encoder, tables = make_encoder(item_id=False, title_words=False, release_year=False)
    assert set(tables) == {"genre_embeddings"}
