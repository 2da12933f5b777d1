import numpy as np
import pytest

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.biases import fit_biases
from recommender.training.second_stage import SecondStage, fit_second_stage
from schemas.settings import Settings
from small_interactions import divided, interactions

NUM_USERS, NUM_ITEMS = 40, 30
SMALL = {"dimension": 4, "sweeps": 30, "burn_in": 10, "side_features": 8, "export_rank": 8}
SETTINGS = Settings.model_validate(
    {
        **{"name": "test", "data": {"folder": ".", "rating_scale": [1, 5]}},
        **{"ranking": {"bayesian": SMALL}, "training": {"validation_share": 0.2}},
    }
)


def fit(rating: np.ndarray) -> tuple[SecondStage, Interactions]:
    user, item = (axis.ravel() for axis in np.indices((NUM_USERS, NUM_ITEMS)))
    events = interactions(user, item, rating.ravel(), None)
    nothing = Ragged.of([[]] * NUM_ITEMS)
    catalogue = Catalogue(NUM_USERS, 0, 0, 0, nothing, nothing, nothing)
    return fit_second_stage(divided(events, SETTINGS), catalogue, SETTINGS), events


def taste() -> np.ndarray:
    """Users and items of two kinds that like their own kind, which no bias can express."""
    own = np.indices((NUM_USERS, NUM_ITEMS)).sum(axis=0) % 2 == 0
    return np.where(own, 4.0, 2.0) + np.random.default_rng(0).normal(0, 0.2, own.shape)


def biased() -> np.ndarray:
    rng = np.random.default_rng(1)
    user, item = rng.normal(0, 0.5, [NUM_USERS, 1]), rng.normal(0, 0.5, NUM_ITEMS)
    return np.clip(3 + user + item + rng.normal(0, 0.5, (NUM_USERS, NUM_ITEMS)), 1, 5)


def test_a_model_that_knows_the_users_taste_predicts_and_is_measured_on_ratings_it_has_not_seen() -> None:
    rating = taste()
    found, events = fit(rating)
    assert (found.model, found.scale) == ("bayesian", (1.0, 5.0))
    for rater in (found.rater, found.measured):
        errors = rater.rate(events.user, events.item).numpy() - events.rating
        assert np.sqrt(np.mean(errors**2)) < 0.6
    held_out = divided(events, SETTINGS).held_out
    rating[held_out.user, held_out.item] += 0.1
    other, _ = fit(rating)
    asked = events.user, events.item
    assert np.array_equal(found.measured.rate(*asked), other.measured.rate(*asked))
    assert not np.array_equal(found.rater.rate(*asked), other.rater.rate(*asked))


@pytest.mark.parametrize("rating", [biased(), np.random.default_rng(2).uniform(1, 5, (NUM_USERS, NUM_ITEMS))])
def test_biases_predict_where_the_model_is_no_better(rating: np.ndarray) -> None:
    found, events = fit(rating)
    assert found.model == "biases"
    biases = fit_biases(events.user, events.item, events.rating, NUM_USERS, NUM_ITEMS)
    users, items = (axis.ravel().astype(np.int32) for axis in np.indices((NUM_USERS + 1, NUM_ITEMS + 1)))
    np.testing.assert_allclose(found.rater.rate(users, items), biases.predict(users, items), rtol=1e-6)
    later = found.rater.rate(users, items, found.rater.moments(users, np.full(len(users), 10**9)))
    np.testing.assert_array_equal(later, found.rater.rate(users, items))
