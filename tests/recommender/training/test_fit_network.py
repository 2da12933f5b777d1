from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.biases import fit_biases
from recommender.models.network_rating import NetworkRating
from recommender.models.ranking import RankingModel
from recommender.tflite.convert import convert
from recommender.training.fit_network import encode, fit_network
from recommender.training.rating_batches import UserRatings
from schemas.settings import Settings
from small_interactions import divided, interactions

NUM_USERS, NUM_ITEMS = 60, 40
RANKING = {"embedding_dimension": 4, "batch_size": 64, "learning_rate": 0.02, "regularization": 0.01, "epochs": 12}
ALL_PAIRS = [np.repeat(np.arange(NUM_USERS + 1), NUM_ITEMS + 1), np.tile(np.arange(NUM_ITEMS + 1), NUM_USERS + 1)]
USERS, ITEMS = (column.astype(np.int32) for column in ALL_PAIRS)


def settings(method: str = "random", refit: bool = False, **ranking: Any) -> Settings:
    tree = {"name": "x", "data": {"folder": "."}, "split": {"method": method}, "training": {"refit": refit}}
    return Settings.model_validate(tree | {"ranking": {"network": RANKING | ranking}})


@pytest.fixture(scope="module")
def world() -> tuple[Interactions, Catalogue, Interactions]:
    """Even users like even items and odd users odd ones, which no bias can say; a fifth of the pairs is held out."""
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    rng = np.random.default_rng(0)
    user, item = (column.astype(np.int32) for column in np.divmod(rng.permutation(NUM_USERS * NUM_ITEMS), NUM_ITEMS))
    ratings = (3 + np.where(user % 2 == item % 2, 1, -1) + rng.normal(0, 0.3, len(user))).astype(np.float32)
    events = interactions(user, item, ratings, 1_000_000 + 3_600 * np.arange(len(user)))
    is_test = events.timestamp >= np.quantile(events.timestamp, 0.8)
    catalogue = Catalogue(NUM_USERS, 1, 1, 1, nothing, nothing, nothing)
    return events.take(~is_test), catalogue, events.take(is_test)


def fit(events: Interactions, catalogue: Catalogue, chosen: Settings) -> NetworkRating:
    return fit_network(divided(events, chosen), catalogue, chosen)


def rate_at(rating: NetworkRating, users: np.ndarray, items: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
    return rating.rate(users, items, rating.moments(users, timestamps)).numpy()


@pytest.mark.parametrize(("method", "refit"), [("random", True), ("time", False)])
def test_it_learns_what_biases_cannot_say(
    world: tuple[Interactions, Catalogue, Interactions], method: str, refit: bool
) -> None:
    events, catalogue, test = world
    biases = fit_biases(events.user, events.item, events.rating, NUM_USERS, NUM_ITEMS)
    predicted = rate_at(fit(events, catalogue, settings(method, refit)), test.user, test.item, test.timestamp)
    assert np.std(biases.predict(test.user, test.item) - test.rating) > 0.95
    assert np.sqrt(np.mean((predicted - test.rating) ** 2)) < 0.6


def test_a_seed_gives_the_same(world: tuple[Interactions, Catalogue, Interactions]) -> None:
    events, catalogue, _ = world
    first, second = (fit(events, catalogue, settings(epochs=1)).rate(USERS, ITEMS).numpy() for _ in range(2))
    assert first.tolist() == second.tolist()


def make_model(world: tuple[Interactions, Catalogue, Interactions]) -> tuple[RankingModel, NetworkRating, Interactions]:
    """Not fitted, but with a head and a time that count; all users but the last have an event."""
    events, catalogue, _ = world
    events = events.take(events.user < NUM_USERS - 1)
    tf.keras.utils.set_random_seed(1)
    chosen = settings(request_time=("normalized", "hour"), history_length=5)
    biases = fit_biases(events.user, events.item, events.rating, NUM_USERS, NUM_ITEMS)
    popularity = np.bincount(events.item, minlength=NUM_ITEMS)
    model = RankingModel(catalogue, popularity, events.timestamp, biases, chosen.ranking.network)
    ratings = UserRatings(events)
    for weight in model.weights:
        weight.assign(tf.random.normal(weight.shape, stddev=0.3))
    return model, encode(model, ratings, chosen), events


def test_the_tables_say_what_the_model_says(world: tuple[Interactions, Catalogue, Interactions]) -> None:
    model, rating, events = make_model(world)
    order = np.argsort(events.timestamp)
    latest = [[row for row in order if events.user[row] == user][-5:] for user in range(NUM_USERS)]
    items, given = ([[column[row] for row in rows] for rows in latest] for column in (events.item, events.rating))
    # The last user has no event, and is like the unknown one.
    times = np.array([events.timestamp[rows[-1]] if rows else events.timestamp.max() for rows in latest])
    users = np.where(USERS >= NUM_USERS - 1, NUM_USERS, USERS)
    rows = np.minimum(USERS, NUM_USERS - 1)
    encoded = model.encode_users(
        users,
        tf.gather(tf.ragged.constant(items, dtype=tf.int32, row_splits_dtype=tf.int64), rows),
        tf.gather(tf.ragged.constant(given, dtype=tf.float32, row_splits_dtype=tf.int64), rows),
    )
    expected = model.rate(encoded, model.encode_items(ITEMS), model.encode_time(times[rows])).numpy()
    assert np.std(expected) > 0.3
    assert rating.rate(USERS, ITEMS).numpy() == pytest.approx(expected, abs=1e-5)
    several = rating.rate(USERS[:, np.newaxis], np.stack([ITEMS, ITEMS[::-1]], axis=1)).numpy()
    assert several[:, 0] == pytest.approx(expected, abs=1e-5)
    assert several[:, 1] == pytest.approx(rating.rate(USERS, ITEMS[::-1]).numpy(), abs=1e-5)
    assert rate_at(rating, USERS, ITEMS, times[rows]) == pytest.approx(expected, abs=1e-5)
    hours_later = rate_at(rating, USERS, ITEMS, times[rows] + 5 * 3_600)
    assert np.std(hours_later - expected) > 0.05


class Saved(tf.Module):
    def __init__(self, rating: NetworkRating):
        super().__init__()
        self.rating = rating

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name=name) for name in ("user", "item")])
    def rate(self, user: tf.Tensor, item: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": self.rating.rate(user, item)}

    @tf.function(
        input_signature=[
            *[tf.TensorSpec([None], tf.int32, name=name) for name in ("user", "item")],
            tf.TensorSpec([None], tf.int64, name="timestamp"),
        ]
    )
    def rate_at(self, user: tf.Tensor, item: tf.Tensor, timestamp: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": self.rating.rate(user, item, self.rating.moments(user, timestamp))}


def test_it_is_saved_whole_and_converts_to_builtin_operators_of_tflite(
    world: tuple[Interactions, Catalogue, Interactions], tmp_path: Path
) -> None:
    from ai_edge_litert.interpreter import Interpreter

    _, rating, _ = make_model(world)
    times = np.full(len(USERS), 1_500_000)
    expected, expected_at = rating.rate(USERS, ITEMS).numpy(), rate_at(rating, USERS, ITEMS, times)
    saved = Saved(rating)
    tf.saved_model.save(saved, str(tmp_path), signatures={"rate": saved.rate, "rate_at": saved.rate_at})
    loaded = tf.saved_model.load(str(tmp_path)).signatures["rate_at"]
    at = loaded(user=tf.constant(USERS), item=tf.constant(ITEMS), timestamp=tf.constant(times))["rating"]
    assert at.numpy() == pytest.approx(expected_at, abs=1e-5)
    on_device = Interpreter(model_content=convert(str(tmp_path), ["rate"], "float32")).get_signature_runner("rate")
    assert on_device(user=USERS, item=ITEMS)["rating"] == pytest.approx(expected, abs=1e-4)
