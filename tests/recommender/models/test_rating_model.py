import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from recommender.models.bayesian import RatingFactors
from recommender.models.biases import Biases
from recommender.models.mood import Mood, RecentRatings, Timeline, mood_basis
from recommender.models.rating_model import RatingModel
from recommender.models.recent_ratings import recent_ratings_of_events

FACTORS = RatingFactors(
    mean=3.0,
    mood_weights=np.zeros(25, np.float32),
    user_bias=np.array([0.5, -0.5, 0], np.float32),
    item_bias=np.array([0.25, 0, 0.125, 0], np.float32),
    user_vectors=np.array([[1, 2], [3, 4], [0, 0]], np.float32),
    item_vectors=np.array([[1, 0], [0.5, -1], [2, 1], [0, 0]], np.float32),
)
USERS, ITEMS = (tf.constant(column, tf.int32) for column in ([0, 1, 2, 1, 2], [0, 1, 2, 3, 3]))
# 3 + 0.5 + 0.25 + 1; 3 - 0.5 + 0 + 1.5 - 4; 3 + 0.125; 3 - 0.5; 3.
WITHOUT_MOOD = [4.75, 0, 3.125, 2.5, 3]
DEFAULT_MOOD = np.array([1, 10, 0], np.float32)


def make_model() -> RatingModel:
    users, times = np.array([0, 0, 0, 1, 1]), np.array([10, 20, 50_000, 70, 100])
    timeline = Timeline.of(users, times, np.array([1.0, 0.5, -1, -0.5, 2]), 2)
    basis = mood_basis(recent_ratings_of_events(timeline, 3))
    weights = np.linspace(-0.2, 0.2, basis.width)
    biases = Biases(3.0, np.zeros(3, np.float32), np.zeros(4, np.float32))
    return RatingModel(FACTORS, Mood(RecentRatings(timeline, 3), basis, weights, biases), DEFAULT_MOOD)


def test_without_a_time_by_hand() -> None:
    rated = make_model().rate(USERS, ITEMS)
    assert rated.numpy() == pytest.approx([5.75, 10, 3.125, 12.5, 3])


def test_several_items_of_each_user() -> None:
    rated = make_model().rate(tf.constant([[0], [1]]), tf.constant([[0, 2], [1, 3]]))
    # 3 + 0.5 + 0.125 + 2 + 2 + 1 for user 0 and item 2.
    assert rated.numpy().tolist() == [[5.75, 8.625], [10, 12.5]]


def test_with_a_time_the_mood_is_that_of_the_time() -> None:
    model = make_model()
    times = tf.constant([60_000, 200, 60_000, 0, 0], tf.int64)
    mood = model.moments(USERS, times).numpy()
    assert mood[0] != 0 and mood[1] != 0 and mood[2] == mood[4] == 0
    assert model.rate(USERS, ITEMS, mood).numpy() == pytest.approx(WITHOUT_MOOD + mood)


@pytest.mark.parametrize("time", [-(2**63), -(10**12), 0, 10**12, 2**63 - 1])
def test_every_time_gives_a_rating(time: int) -> None:
    model = make_model()
    rated = model.rate(USERS, ITEMS, model.moments(USERS, tf.constant([time] * 5, tf.int64))).numpy()
    assert np.isfinite(rated).all() and np.abs(rated).max() < 20


def test_runs_with_and_without_time_from_a_saved_model(tmp_path) -> None:
    model = make_model()
    ids, times = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int64)

    def rate_at(users: tf.Tensor, items: tf.Tensor, timestamps: tf.Tensor) -> tf.Tensor:
        return model.rate(users, items, model.moments(users, timestamps))

    model.at = tf.function(rate_at, input_signature=[ids, ids, times])
    tf.saved_model.save(model, str(tmp_path))
    queries = USERS, ITEMS, tf.constant([60_000, 200, 60_000, 90, 80], tf.int64)
    assert tf.saved_model.load(str(tmp_path)).at(*queries).numpy() == pytest.approx(rate_at(*queries).numpy())


def test_without_a_time_it_runs_in_litert_by_builtin_operators_only() -> None:
    model, ids = make_model(), tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=[ids, ids])
    def rate(users: tf.Tensor, items: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": model.rate(users, items)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([rate.get_concrete_function()], model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert())
    runner = interpreter.get_signature_runner()
    assert runner(users=USERS.numpy(), items=ITEMS.numpy())["rating"] == pytest.approx(model.rate(USERS, ITEMS).numpy())
