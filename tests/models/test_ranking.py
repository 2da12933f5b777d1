import numpy as np
import pytest
import tensorflow as tf

from components.models.biases import Biases
from components.models.inputs import Catalogue, Ragged
from components.models.ranking import RankingModel
from schemas.settings import RankingSettings

BIASES = Biases(3.0, np.zeros(3, np.float32), np.array([0.5, -0.5, 0.25, 0], np.float32))
HISTORY = tf.ragged.constant([[0, 1], []], dtype=tf.int32, row_splits_dtype=tf.int64)
HISTORY_RATING = tf.ragged.constant([[5.0, 3.0], []], dtype=tf.float32, row_splits_dtype=tf.int64)


def make_model(regularisation: float = 0.0) -> RankingModel:
    nothing = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    settings = RankingSettings(embedding_dimension=2, history_dropout=0, id_dropout=0, regularisation=regularisation)
    tf.keras.utils.set_random_seed(5)
    return RankingModel(Catalogue(2, 1, 1, nothing, nothing), np.ones(3), BIASES, settings)


def test_the_users_bias_is_the_damped_mean_deviation_of_his_history() -> None:
    # 5 - 3.5 and 3 - 2.5, over 2 + 5.
    biases, _ = make_model().encode_users(tf.constant([0, 1]), HISTORY, HISTORY_RATING)
    assert biases.numpy() == pytest.approx([2 / 7, 0])


def test_the_users_vector_adds_what_he_rated_and_how() -> None:
    model = make_model()
    _, vectors = model.encode_users(tf.constant([0, 1]), HISTORY, HISTORY_RATING)
    users, rated, liked = (layer.get_weights()[0] for layer in (model._users, model._rated, model._liked))
    liking = [1.5 - 2 / 7, 0.5 - 2 / 7]
    pooled = (rated[0] + rated[1] + liking[0] * liked[0] + liking[1] * liked[1]) / 2**0.5
    assert vectors.numpy() == pytest.approx(np.array([users[0] + pooled, users[1]]), abs=1e-6)


def test_loss_is_the_squared_error_and_the_penalty() -> None:
    users, items, ratings = tf.constant([0, 1]), tf.constant([2, 0]), tf.constant([4.0, 2.0])
    batch = {"user_index": users, "item_index": items, "rating": ratings}
    batch |= {"history_index": HISTORY, "history_rating": HISTORY_RATING}
    plain, penalised = make_model(), make_model(regularisation=0.5)
    user_bias, user_vectors = (part.numpy() for part in plain.encode_users(users, HISTORY, HISTORY_RATING))
    item_bias, item_vectors = (part.numpy() for part in plain.encode_items(items))
    assert item_bias == pytest.approx([0.25, 0.5])
    predicted = 3.0 + user_bias + item_bias + (user_vectors * item_vectors).sum(axis=1)
    error = np.mean((predicted - [4, 2]) ** 2)
    assert float(plain.compute_loss(batch)) == pytest.approx(error, rel=1e-5)
    penalised.compute_loss(batch)  # makes the tables
    penalised.set_weights(plain.get_weights())
    penalty = np.mean(item_bias**2 + (user_vectors**2).sum(axis=1) + (item_vectors**2).sum(axis=1))
    assert float(penalised.compute_loss(batch)) == pytest.approx(error + 0.5 * penalty, rel=1e-5)
