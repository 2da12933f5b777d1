import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models import low_rank, side_features
from recommender.models.bayesian import RatingFactors, Ratings, fit_bayesian
from recommender.models.biases import fit_biases
from recommender.models.binned import Binned
from recommender.models.gibbs import Side
from recommender.models.low_rank import ProductMean, truncate
from recommender.models.piecewise import PiecewiseLinear
from recommender.models.side_features import item_features, user_features
from schemas.settings import BayesianSettings

SETTINGS = BayesianSettings(dimension=4, sweeps=80, burn_in=20, export_rank=8)


def no_mood(num_events: int) -> Binned:
    return Binned(np.zeros((num_events, 1), np.float32), PiecewiseLinear(np.zeros((1, 1), np.float32), 1))


def fit(
    users: np.ndarray, items: np.ndarray, ratings: np.ndarray, sizes: tuple[int, int], seed: int = 1
) -> RatingFactors:
    nothing = (np.zeros((size, 1), np.float32) for size in sizes)
    rated = ratings.astype(np.float32)
    data = Ratings(users.astype(np.int32), items.astype(np.int32), rated, no_mood(len(users)), *nothing)
    return fit_bayesian(data, SETTINGS, seed, lambda done: None)


def predict(factors: RatingFactors, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    products = np.sum(factors.user_vectors[users] * factors.item_vectors[items], axis=1)
    return factors.mean + factors.user_bias[users] + factors.item_bias[items] + products


def low_rank_world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users and items of two kinds each, that like their own kind: 40 users, 30 items, noise 0.1."""
    generator = np.random.default_rng(0)
    users, items = (axis.ravel() for axis in np.indices((40, 30)))
    ratings = 3 + np.where(users % 2 == items % 2, 1.5, -1.5) + generator.normal(0, 0.1, len(users))
    return users, items, ratings


def test_finds_what_biases_cannot() -> None:
    users, items, ratings = low_rank_world()
    held_out = np.random.default_rng(1).random(len(users)) < 0.5
    factors = fit(users[~held_out], items[~held_out], ratings[~held_out], (40, 30))
    error = predict(factors, users[held_out], items[held_out]) - ratings[held_out]
    biases = fit_biases(users[~held_out], items[~held_out], ratings[~held_out], 40, 30)
    bias_error = biases.predict(users[held_out], items[held_out]) - ratings[held_out]
    assert np.sqrt(np.mean(bias_error**2)) > 1.4
    assert np.sqrt(np.mean(error**2)) < 0.15


def test_the_same_seed_gives_the_same_factors() -> None:
    users, items, ratings = low_rank_world()
    first, second, other = (fit(users, items, ratings, (40, 30), seed) for seed in (3, 3, 4))
    for one, same in zip(first, second, strict=True):
        assert np.array_equal(one, same)
    assert not np.array_equal(first.user_bias, other.user_bias)


def test_unknown_users_and_items_have_nothing_of_their_own() -> None:
    users, items, ratings = low_rank_world()
    factors = fit(users, items, ratings, (40, 30))
    assert factors.user_bias.shape == (41,) and factors.item_bias.shape == (31,)
    assert factors.user_bias[-1] == factors.item_bias[-1] == 0
    assert not factors.user_vectors[-1].any() and not factors.item_vectors[-1].any()
    assert predict(factors, np.array([40]), np.array([30])) == pytest.approx([ratings.mean()])


def test_sweeps_end_when_more_would_change_little() -> None:
    users, items, ratings = (np.tile(column, 3) for column in low_rank_world())
    noise = np.random.default_rng(2).normal(0, 1, len(users))
    done: list[int] = []
    for about in (slice(None), slice(0, 200)):
        nothing = (np.zeros((size, 1), np.float32) for size in (40, 30))
        rated = (ratings + noise)[about].astype(np.float32)
        pairs = users[about].astype(np.int32), items[about].astype(np.int32)
        data = Ratings(*pairs, rated, no_mood(len(rated)), *nothing)
        sweeps: list[int] = []
        fit_bayesian(data, SETTINGS.model_copy(update={"sweeps": 400}), 1, sweeps.append)
        done.append(len(sweeps))
    assert 50 <= done[0] < done[1], "fewer ratings leave more to average"


@pytest.mark.parametrize("num_events", [1, 15])
def test_equal_ratings_are_predicted_as_they_are(num_events: int) -> None:
    users, items = (axis.ravel()[:num_events] for axis in np.indices((5, 3)))
    factors = fit(users, items, np.full(num_events, 4.0), (5, 3))
    assert predict(factors, users, items) == pytest.approx(np.full(num_events, 4.0), abs=0.3)
    everything = predict(factors, *(axis.ravel() for axis in np.indices((6, 4))))
    assert everything == pytest.approx(np.full(24, 4.0), abs=1.0)


def test_a_rating_given_twice_counts_twice() -> None:
    # User 0 rated item 0 with 5 three times and the rest with 1; user 1 rated all once alike.
    users, items = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 0, 1])
    factors = fit(users, items, np.array([5.0, 5, 5, 1, 5, 1]), (2, 2))
    assert factors.mean == pytest.approx(22 / 6)
    high, low = predict(factors, np.array([0, 0]), np.array([0, 1]))
    assert high > 4 and low < 3


def test_vectors_are_drawn_around_the_mean_of_prior_and_targets() -> None:
    # Precision 10 of the prior 0.5, 3 of each target: (10 * 0.5 + 3 * (1 + 2)) / (10 + 2 * 3); no event: the prior.
    # 5,000 rows of the first kind and 5,000 of the second.
    rows, columns = np.repeat(np.arange(5_000), 2), np.tile([0, 1], 5_000)
    generator = tf.random.Generator.from_seed(0)
    side = Side(np.zeros((10_000, 1), np.float32), rows, columns, 2, width=1, generator=generator)
    targets = tf.constant(columns + 1, tf.float32)
    side.draw_vectors(tf.fill([10_000, 1], 0.5), tf.zeros([2, 0]), targets, tf.constant(3.0))
    for kind, mean, precision in ((slice(5_000), 14 / 16, 16), (slice(5_000, None), 0.5, 10)):
        draws = side.vectors.numpy()[kind]
        assert side.means.numpy()[kind] == pytest.approx(np.full([5_000, 1], mean))
        assert np.mean(draws) == pytest.approx(mean, abs=0.02)
        assert np.std(draws) == pytest.approx(precision**-0.5, rel=0.05)
    assert np.all(side.expected_vectors().numpy()[5_000:] == 0.5)


def test_the_prior_of_what_has_no_events_follows_its_features() -> None:
    # Two kinds of items, told by a feature of 1 or -1, deviate by 1 or -1; items 20 and 21 have no events.
    kinds = np.where(np.arange(22) % 2 == 0, 1.0, -1.0).astype(np.float32)
    users, items = (axis.ravel().astype(np.int32) for axis in np.indices((10, 20)))
    nothing = np.zeros((10, 1), np.float32)
    data = Ratings(users, items, 3 + kinds[items], no_mood(200), nothing, kinds[:, np.newaxis])
    factors = fit_bayesian(data, SETTINGS, 1, lambda done: None)
    assert predict(factors, np.array([0, 0]), np.array([20, 21])) == pytest.approx([4, 2], abs=0.3)


CATALOGUE = Catalogue(
    num_users=2,
    num_genres=2,
    num_title_words=0,
    num_release_periods=1,
    genres=Ragged(np.array([0, 1, 1], np.int32), np.array([0, 1, 2, 3])),
    title_words=Ragged(np.array([], np.int32), np.zeros(4, np.int64)),
    release_periods=Ragged(np.array([0], np.int32), np.array([0, 0, 0, 1])),
)


def test_side_features_keep_inner_products() -> None:
    # User 0 rated items 0 and 1 (item 0 twice), user 1 item 1.
    users, items = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    logs = 0.1 * np.log1p([2, 1])
    rows = np.array([[0.5**0.5, 0.5**0.5, 0, logs[0]], [0, 1, 0, logs[1]]])
    features = user_features(users, items, CATALOGUE, 10)
    assert features.shape == (2, 2)
    assert features @ features.T == pytest.approx(rows @ rows.T, abs=1e-5)
    left, values, _ = np.linalg.svd(rows)
    one = user_features(users, items, CATALOGUE, 1)
    assert one @ one.T == pytest.approx(values[0] ** 2 * np.outer(left[:, 0], left[:, 0]), abs=1e-5)


def test_many_rows_have_fewer_features(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_features, "_LEAST_COLUMNS", 1)
    monkeypatch.setattr(side_features, "_MOST_NUMBERS", 3)
    users, items = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert user_features(users, items, CATALOGUE, 10).shape == (2, 1)


def test_items_without_events_have_features_of_their_content() -> None:
    # Rows: users 0 and 1, logarithm, genres 0, 1, unknown, period 0, unknown.
    rows = np.zeros((3, 8))
    rows[0, [0, 2, 3]] = 1, 0.1 * np.log(2), 1
    rows[1, [0, 1, 2, 4]] = 0.5**0.5, 0.5**0.5, 0.1 * np.log(3), 1
    rows[2, [4, 6]] = 0.5**0.5
    features = item_features(np.array([0, 0, 1]), np.array([0, 1, 1]), CATALOGUE, 10)
    assert features @ features.T == pytest.approx(rows @ rows.T, abs=1e-5)


def test_features_of_a_single_item_are_there() -> None:
    nothing = Ragged(np.array([], np.int32), np.zeros(2, np.int64))
    catalogue = Catalogue(1, 0, 0, 0, nothing, nothing, nothing)
    one = np.array([0])
    assert user_features(one, one, catalogue, 5).shape == item_features(one, one, catalogue, 5).shape == (1, 1)


def test_a_mean_of_products_is_kept_in_few_columns() -> None:
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(9, 2)).astype(np.float32)  # all products have these columns: rank 2
    mean, whole = ProductMean(9, 7, width=4), np.zeros((9, 7))
    for _ in range(10):
        right = generator.normal(size=(7, 2)).astype(np.float32)
        mean.add(shared, right)
        whole += shared @ right.T / 10
    left, right = mean.factors(3)
    assert left.shape == (9, 3) and right.shape == (7, 3)
    assert left @ right.T == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("rows_at_once", [100, 2])
def test_truncation_is_the_best_of_its_rank(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_rank, "_ROWS_AT_ONCE", rows_at_once)
    generator = np.random.default_rng(0)
    left, right = generator.normal(size=(6, 4)), generator.normal(size=(5, 4))
    first, values, second = np.linalg.svd(left @ right.T)
    cut = truncate(left, right, 2)
    assert cut[0] @ cut[1].T == pytest.approx((first[:, :2] * values[:2]) @ second[:2])
