import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.biases import Biases
from recommender.models.ranking import RankingModel
from schemas.settings import NetworkSettings

BIASES = Biases(3.0, np.array([0.2, -0.3, 0], np.float32), np.array([0.5, -0.5, 0.25, 0], np.float32))
USERS, ITEMS, RATINGS = tf.constant([0, 1]), tf.constant([2, 0]), tf.constant([4.0, 2.0])
TIMESTAMPS = tf.constant([86_400 * 3, 86_400 * 4], tf.int64)
HISTORY = tf.ragged.constant([[0, 1], []], dtype=tf.int32, row_splits_dtype=tf.int64)
HISTORY_RATING = tf.ragged.constant([[5.0, 3.0], []], dtype=tf.float32, row_splits_dtype=tf.int64)
BATCH = {
    "user_index": USERS,
    "item_index": ITEMS,
    "rating": RATINGS,
    "timestamp": TIMESTAMPS,
    "history_index": HISTORY,
    "history_rating": HISTORY_RATING,
}
PLAIN = NetworkSettings(embedding_dimension=2, deep_layers=(), history_dropout=0, id_dropout=0, regularization=0)


def make_model(**changes: object) -> RankingModel:
    """A model of 2 users and 3 items, of which the third was rated by three quarters of the events."""
    nothing = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    tf.keras.utils.set_random_seed(5)
    popularity = np.array([1, 0, 3])
    settings = PLAIN.model_copy(update=changes)
    return RankingModel(Catalogue(2, 1, 1, 1, *[nothing] * 3), popularity, TIMESTAMPS.numpy(), BIASES, settings)


def table(model: RankingModel, name: str) -> np.ndarray:
    (found,) = [weight for weight in model.weights if weight.name.split("/")[-1] == f"{name}:0"]
    return found.numpy()


def predict(model: RankingModel) -> np.ndarray:
    users, items = model.encode_users(USERS, HISTORY, HISTORY_RATING), model.encode_items(ITEMS)
    return model.rate(users, items, model.encode_time(TIMESTAMPS)).numpy()


def test_the_users_bias_is_the_damped_mean_deviation_of_his_history() -> None:
    # 5 - 3.5 and 3 - 2.5, over 2 + 5.
    biases, _ = make_model().encode_users(USERS, HISTORY, HISTORY_RATING)
    assert biases.numpy() == pytest.approx([2 / 7, 0])


def test_without_histories_the_biases_start_where_the_fitted_ones_are() -> None:
    biases, _ = make_model(history=False).encode_users(USERS, HISTORY, HISTORY_RATING)
    assert biases.numpy() == pytest.approx([0.2, -0.3])


def test_the_users_vector_adds_what_he_rated_and_how() -> None:
    model = make_model()
    _, vectors = model.encode_users(USERS, HISTORY, HISTORY_RATING)
    users, rated, liked = (table(model, f"{name}_embeddings") for name in ("user", "rated", "liked"))
    liking = [1.5 - 2 / 7, 0.5 - 2 / 7]
    pooled = (rated[0] + rated[1] + liking[0] * liked[0] + liking[1] * liked[1]) / 2**0.5
    assert vectors.numpy() == pytest.approx(np.array([users[0] + pooled, users[1]]), abs=1e-6)


def test_what_is_unknown_or_never_rated_has_neither_bias_nor_vector_of_its_own() -> None:
    model = make_model()
    nothing = tf.RaggedTensor.from_row_lengths(tf.constant([], tf.int32), [0])
    for biases, vectors in (
        model.encode_users(tf.constant([2]), nothing, tf.cast(nothing, tf.float32)),
        model.encode_items(tf.constant([3])),
        model.encode_items(tf.constant([1])),
    ):
        assert biases.numpy().tolist() == [0] and vectors.numpy().tolist() == [[0, 0]]


def test_time_has_a_bias_and_moves_the_users_vector() -> None:
    model = make_model(request_time=("weekday",))
    (week,) = model.weights_after_encoding
    week.assign(np.arange(21).reshape(7, 3) / 10)
    # 1970-01-01 was a Thursday, 3: three days later is a Sunday, 6; then Monday, 0.
    (user_bias, p), (item_bias, q) = model.encode_users(USERS, HISTORY, HISTORY_RATING), model.encode_items(ITEMS)
    moved = p.numpy() + np.array([[1.8, 1.9], [0, 0.1]])
    expected = 3 + user_bias.numpy() + item_bias.numpy() + [2.0, 0.2] + (moved * q.numpy()).sum(axis=1)
    assert predict(model) == pytest.approx(expected, rel=1e-5)


def test_the_head_adds_dense_layers_on_user_and_item() -> None:
    model = make_model(deep_layers=(3,), head_regularization=0.5)
    plain = predict(model)
    rng = np.random.default_rng(0)
    head = [rng.normal(size=weight.shape).astype(np.float32) for weight in model.weights_after_encoding]
    for weight, values in zip(model.weights_after_encoding, head, strict=True):
        weight.assign(values)
    deep, deep_bias, last, last_bias = head
    x = np.concatenate([model.encode_users(USERS, HISTORY, HISTORY_RATING)[1], model.encode_items(ITEMS)[1]], axis=1)
    expected = np.maximum(x @ deep + deep_bias, 0) @ last + last_bias
    assert predict(model) - plain == pytest.approx(expected[:, 0], abs=1e-5)
    assert float(sum(model.losses)) == pytest.approx(0.5 * sum((w**2).sum() for w in (deep, last)), rel=1e-5)


def test_loss_is_the_squared_error_and_the_penalty() -> None:
    plain, penalized = make_model(), make_model(regularization=0.5)
    user_bias, user_vectors = (part.numpy() for part in plain.encode_users(USERS, HISTORY, HISTORY_RATING))
    item_bias, item_vectors = (part.numpy() for part in plain.encode_items(ITEMS))
    assert item_bias == pytest.approx([0.25, 0.5])
    error = np.mean((3.0 + user_bias + item_bias + (user_vectors * item_vectors).sum(axis=1) - [4, 2]) ** 2)
    assert float(plain.compute_loss(BATCH)) == pytest.approx(error, rel=1e-5)
    # What the history says of the user's bias is not learned, and not held down.
    penalty = np.mean(item_bias**2 + (user_vectors**2).sum(axis=1) + (item_vectors**2).sum(axis=1))
    assert float(penalized.compute_loss(BATCH)) == pytest.approx(error + 0.5 * penalty, rel=1e-5)


def test_the_second_task_adds_the_softmax_over_the_batch() -> None:
    both = make_model(retrieval_weight=0.1)
    queries, items = both.encode_users(USERS, HISTORY, HISTORY_RATING)[1], both.encode_items(ITEMS)[1]
    # In a batch of two: item 2, three quarters of the events, with probability 1 - 1/16; item 0 with 1 - 9/16.
    logits = queries.numpy() @ items.numpy().T - np.log([15 / 16, 7 / 16])
    softmax = np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diag(logits))
    added = float(both.compute_loss(BATCH)) - float(make_model().compute_loss(BATCH))
    assert added == pytest.approx(0.1 * softmax, rel=1e-4)
