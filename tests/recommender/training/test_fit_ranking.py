import logging

import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.biases import fit_biases
from recommender.models.mood import GivenRatings
from recommender.models.rating_model import RatingModel
from recommender.training import fit_ranking as fit_ranking_file
from recommender.training.fit_ranking import fit_ranking
from schemas.settings import Settings
from small_interactions import interactions

NUM_USERS, NUM_ITEMS = 40, 30


def make_settings(method: str = "random", **ranking: object) -> Settings:
    small = {"dimension": 4, "sweeps": 60, "burn_in": 10, "side_features": 8, "export_rank": 8} | ranking
    return Settings.model_validate(
        {"name": "test", "data": {"folder": "."}, "split": {"method": method}, "ranking": {"bayesian": small}}
    )


def make_catalogue(num_users: int = NUM_USERS, num_items: int = NUM_ITEMS) -> Catalogue:
    one_each = Ragged((np.arange(num_items) % 2).astype(np.int32), np.arange(num_items + 1))
    nothing = Ragged(np.array([], np.int32), np.zeros(num_items + 1, np.int64))
    return Catalogue(num_users, 2, 0, 0, one_each, nothing, nothing)


def make_events(mood: float = 0.0) -> Interactions:
    """Users and items of two kinds that like their own kind; whole sittings are higher or lower by `mood`."""
    generator = np.random.default_rng(0)
    user, item = (axis.ravel().astype(np.int32) for axis in np.indices((NUM_USERS, NUM_ITEMS)))
    sitting = generator.integers(0, 6, len(user))
    timestamp = 10**9 + sitting * 10**7 + generator.integers(0, 300, len(user))
    level = np.where(generator.random((NUM_USERS, 6)) < 0.5, mood, -mood)[user, sitting]
    rating = 3 + np.where(user % 2 == item % 2, 1.0, -1.0) + level + generator.normal(0, 0.2, len(user))
    return interactions(user, item, rating, timestamp)


def fit(events: Interactions, settings: Settings) -> RatingModel:
    """To all events: the closed form stops by none."""
    everything = HoldOut(events, np.zeros(len(events), np.int8))
    return fit_ranking(everything, make_catalogue(events.num_users, events.num_items), settings)


def rate_at(model: RatingModel, users: np.ndarray, items: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
    return model.rate(users, items, model.moments(users, timestamps)).numpy()


def rmse(predicted: np.ndarray, events: Interactions) -> float:
    return float(np.sqrt(np.mean((predicted - events.rating) ** 2)))


def test_ratings_held_out_are_found_from_the_ratings_around_them() -> None:
    events = make_events(mood=1.0)
    held_out = np.random.default_rng(1).random(len(events.user)) < 0.2
    fitted, held_out = events.take(~held_out), events.take(held_out)
    model = fit(fitted, make_settings())
    timed = rmse(rate_at(model, held_out.user, held_out.item, held_out.timestamp), held_out)
    untimed = rmse(model.rate(held_out.user, held_out.item).numpy(), held_out)
    biases = fit_biases(fitted.user, fitted.item, fitted.rating, NUM_USERS, NUM_ITEMS)
    assert timed < 0.8 < untimed < 1.1 < rmse(biases.predict(held_out.user, held_out.item), held_out)


def test_the_same_seed_gives_the_same_model_whatever_the_order_of_the_events() -> None:
    events, settings = make_events(), make_settings(sweeps=15)
    order = np.random.default_rng(2).permutation(len(events))
    columns = (events.user, events.item, events.rating, events.timestamp)
    shuffled = interactions(*(column[order] for column in columns))
    first, second = (fit(each, settings) for each in (events, shuffled))
    query = events.user[:50], events.item[:50], events.timestamp[:50]
    assert np.array_equal(rate_at(first, *query), rate_at(second, *query))


def test_in_a_split_by_the_last_event_the_default_is_the_mood_after_it() -> None:
    events = make_events(mood=1.0)
    model = fit(events, make_settings("last", sweeps=30))
    users = np.arange(NUM_USERS, dtype=np.int32)
    ends = events.timestamp[events.row_splits[1:-1] - 1]
    items = np.zeros(NUM_USERS, np.int32)
    assert model.rate(users, items).numpy() == pytest.approx(rate_at(model, users, items, ends), abs=1e-4)


@pytest.mark.parametrize("method", ["random", "time"])
def test_unknown_users_and_items_are_rated_too(method: str) -> None:
    events = make_events(mood=0.5)
    model = fit(events, make_settings(method, sweeps=15))
    users, items = (axis.ravel().astype(np.int32) for axis in np.indices((NUM_USERS + 1, NUM_ITEMS + 1)))
    for timestamps in (None, np.full(len(users), events.timestamp.max() + 100)):
        rated = model.rate(users, items).numpy() if timestamps is None else rate_at(model, users, items, timestamps)
        assert np.isfinite(rated).all()
        assert rated[-1] == pytest.approx(events.rating.mean(), abs=1e-4)


def test_no_time_means_the_end_of_training_in_a_split_by_time() -> None:
    events = make_events(mood=1.0)
    model = fit(events, make_settings("time", sweeps=15, recent_events=5))
    users = np.arange(NUM_USERS + 1, dtype=np.int32)
    items, end = np.zeros_like(users), np.full(len(users), events.timestamp.max())
    assert model.rate(users, items).numpy() == pytest.approx(rate_at(model, users, items, end), abs=1e-6)


@pytest.mark.parametrize("method", ["random", "time"])
def test_recent_ratings_equal_to_those_of_training_give_exactly_the_same_mood(method: str) -> None:
    events = make_events(mood=1.0)
    model = fit(events, make_settings(method, sweeps=15, recent_events=7))
    users, end = np.arange(NUM_USERS, dtype=np.int32), int(events.timestamp.max())
    items, ratings, times = (
        column.reshape(NUM_USERS, NUM_ITEMS) for column in (events.item, events.rating, events.timestamp)
    )
    given = GivenRatings(tf.fill(items.shape, True), items, tf.constant(ratings), tf.constant(times))
    for time in (end + 30, end - 10**7) if method == "random" else (end + 30,):
        at = np.full(NUM_USERS, time)
        known = model.moments(users, at).numpy()
        assert model.moments(users, at, given).numpy().tolist() == known.tolist()
        assert len(set(known.tolist())) > 30


@pytest.mark.parametrize("num_users, num_items, num_events", [(1, 1, 1), (5, 3, 15), (3, 5, 4)])
def test_few_and_equal_ratings_are_no_trouble(num_users: int, num_items: int, num_events: int) -> None:
    user, item = (axis.ravel()[:num_events].astype(np.int32) for axis in np.indices((num_users, num_items)))
    events = interactions(user, item, 4.0, np.full(num_events, 7), num_users, num_items)
    model = fit(events, make_settings(side_features=200))
    rated = rate_at(model, user, item, events.timestamp)
    assert rated == pytest.approx(np.full(num_events, 4.0), abs=1.0)


def test_progress_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "atalaya")
    fit(make_events(), make_settings(sweeps=12))
    reports = [record.progress for record in caplog.records if hasattr(record, "progress")]
    assert reports[-1] == ("ranking sweeps", 12, 12)
    assert "training RMSE" in caplog.records[-1].getMessage()


def test_a_fit_that_gives_no_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bayesian = fit_ranking_file.fit_bayesian
    monkeypatch.setattr(fit_ranking_file, "fit_bayesian", lambda *arguments: bayesian(*arguments)._replace(mean=np.nan))
    with pytest.raises(FloatingPointError, match="finite"):
        fit(make_events(), make_settings(sweeps=12))
