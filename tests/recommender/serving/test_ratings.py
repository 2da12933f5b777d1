"""Ratings at the time of a request, with and without recent ratings, through the signatures."""

import numpy as np
import pytest
import tensorflow as tf

from recommender.models.bayesian import RatingFactors
from recommender.models.biases import Biases
from recommender.models.mood import Mood, RecentRatings, Timeline, mood_basis
from recommender.models.rating_model import RatingModel
from recommender.models.recent_ratings import recent_ratings_of_events
from recommender.serving.recommender import Recommender
from recommender.serving.serving import Served
from schemas.settings import ServingSettings
from small_recommender import NUM_ITEMS, NUM_USERS, make_parts

NOW = 5_000
"""Seconds; the 30 ratings of users 0, 1 and 2 are a minute apart, and the last ones were 1 to 3 minutes ago."""
RATERS, RATED = np.arange(30) // 10, np.arange(30) % NUM_ITEMS
GIVEN = np.random.default_rng(1).integers(1, 6, 30).astype(np.float32)
TIMES = NOW - 60 * (30 - 3 * (np.arange(30) % 10)) - RATERS
BIASES = Biases(
    3.0, np.zeros(NUM_USERS + 1, np.float32), np.append(np.linspace(-1, 1, NUM_ITEMS), 0.0).astype(np.float32)
)


def make_rater(weight: float = 0.3) -> RatingModel:
    generator = np.random.default_rng(2)
    deviations = GIVEN - BIASES.mean - BIASES.item[RATED]
    timeline = Timeline.of(RATERS, TIMES, deviations, NUM_USERS)
    basis = mood_basis(recent_ratings_of_events(timeline, 4))
    weights = generator.normal(0, weight, basis.width)
    factors = RatingFactors(
        3.0,
        weights,
        np.zeros(NUM_USERS + 1, np.float32),
        BIASES.item,
        generator.normal(size=(NUM_USERS + 1, 2)).astype(np.float32),
        generator.normal(size=(NUM_ITEMS + 1, 2)).astype(np.float32),
    )
    default = np.full(NUM_USERS + 1, 0.25, np.float32)
    return RatingModel(factors, Mood(RecentRatings(timeline, 4), basis, weights, BIASES), default)


def serve(**parts: object) -> Served:
    changed = {"rater": make_rater(), "biases": BIASES, "now": NOW, "scale": (-50.0, 50.0)} | parts
    return Served(
        Recommender(make_parts()._replace(**changed)), ServingSettings(k=5, n_candidates=8, rating_weight=0.5)
    )


@pytest.fixture(scope="module")
def served() -> Served:
    return serve()


def recent_of(users: list[int], padding: int = 1) -> dict[str, tf.Tensor]:
    """The ratings that training has of users, with padding in front of them; none of users without ratings."""
    rows = [np.flatnonzero(user == RATERS) for user in users]
    width = 10 + padding

    def filled(values: np.ndarray, empty: object) -> list[list]:
        return [[empty] * (width - len(row)) + values[row].tolist() for row in rows]

    return {
        "recent_item_id": tf.constant(filled(np.array([f"i{item}" for item in RATED]), "")),
        "recent_rating": tf.constant(filled(GIVEN, 9.0), tf.float32),
        "recent_timestamp": tf.constant(filled(TIMES, 0), tf.int64),
    }


def ids(prefix: str, numbers: list[int]) -> tf.Tensor:
    return tf.constant([f"{prefix}{number}" for number in numbers])


def at(*times: int) -> tf.Tensor:
    return tf.constant(times, tf.int64)


PAIRS = ids("u", [0, 1, 2, 3, 99]), ids("i", [1, 2, 3, 4, 5])


def test_a_time_gives_the_mood_at_that_time(served: Served) -> None:
    model, users, items = make_rater(), np.array([0, 1, 2, 3, NUM_USERS]), np.array([1, 2, 3, 4, 5])
    times = at(NOW, NOW - 600, NOW + 86_400, NOW, NOW)
    found = served.rate(*PAIRS, timestamp=times)["rating"].numpy()
    assert found == pytest.approx(model.rate(users, items, model.moments(users, times)).numpy(), abs=1e-5)
    # Without a time, the mood is each user's default, .25 here; who has no ratings is in none.
    default = served.rate(*PAIRS)["rating"].numpy()
    assert default == pytest.approx(model.rate(users, items).numpy(), abs=1e-6)
    assert (default - found)[3:] == pytest.approx([0.25, 0.25], abs=1e-5)
    assert np.abs(default - found).min() > 0.01


@pytest.mark.parametrize("time", [NOW, NOW - 700, 0])
def test_recent_ratings_equal_to_those_of_training_give_exactly_the_same(served: Served, time: int) -> None:
    times = at(*[time] * 5)
    without = served.rate(*PAIRS, timestamp=times)["rating"].numpy()
    found = served.rate(*PAIRS, timestamp=times, **recent_of([0, 1, 2, 3, 4]))["rating"].numpy()
    assert found.tolist() == without.tolist()


def test_recent_ratings_count_instead_of_those_of_training(served: Served) -> None:
    """Also for a user without ratings in training; a row of padding alone keeps to those of training."""
    times = at(*[NOW] * 3)
    users, items = ids("u", [0, 99, 1]), ids("i", [1, 1, 1])
    without = served.rate(users, items, timestamp=times)["rating"].numpy()
    found = served.rate(users, items, timestamp=times, **recent_of([2, 2, 4]))["rating"].numpy()
    mood = served.rate(ids("u", [2]), ids("i", [1]), timestamp=at(NOW))["rating"] - make_rater().rate(
        np.array([2]), np.array([1])
    )
    assert found[1] - without[1] == pytest.approx(float(mood[0]) + 0.25, abs=1e-5)
    assert abs(found[0] - without[0]) > 0.01 and found[2] == without[2]


def test_ratings_after_the_time_do_not_count_and_those_of_the_same_second_do(served: Served) -> None:
    user, item = ids("u", [99]), ids("i", [1])

    def rate(last: float, time: int) -> float:
        recent = {
            "recent_item_id": tf.constant([["i2", "i3", "i4"]]),
            "recent_rating": tf.constant([[4.0, 2.0, last]]),
            "recent_timestamp": tf.constant([[NOW - 90, NOW - 30, NOW]], tf.int64),
        }
        return float(served.rate(user, item, timestamp=at(time), **recent)["rating"][0])

    assert rate(1.0, NOW - 1) == rate(5.0, NOW - 1)
    assert rate(1.0, NOW) != rate(5.0, NOW)


def test_the_list_has_the_ratings_of_that_time_in_the_same_order() -> None:
    """Though the mood is so strong that most ratings are cut off at an end of the scale."""
    served = serve(rater=make_rater(3.0), scale=(1.0, 5.0))
    users = ids("u", [0, 1, 2, 3, 99])
    times, recent = at(*[NOW] * 5), recent_of([2, 1, 0, 0, 1])
    default = served.recommend(users)
    for asked in ({"timestamp": times}, {"timestamp": times, **recent}):
        found = served.recommend(users, **asked)
        for name in set(default) - {"rating"}:
            np.testing.assert_array_equal(found[name], default[name])
        assert not np.array_equal(found["rating"], default["rating"])
        for place in range(5):
            rated = served.rate(users, found["item_id"][:, place], **asked)["rating"].numpy()
            is_item = found["item_id"].numpy()[:, place] != b""
            assert found["rating"].numpy()[is_item, place] == pytest.approx(rated[is_item], abs=1e-5)


def test_a_model_without_times_or_ratings_ignores_them() -> None:
    times, recent = at(NOW, NOW), recent_of([0, 1])
    users, items = ids("u", [0, 1]), ids("i", [1, 2])
    untimed = serve(now=None)
    assert np.array_equal(untimed.rate(users, items, times, **recent)["rating"], untimed.rate(users, items)["rating"])
    unrated = serve(rater=None, biases=None, scale=None)
    for served in (untimed, unrated):
        found, default = served.recommend(users, timestamp=times, **recent), served.recommend(users)
        assert all(np.array_equal(found[name], default[name]) for name in default)


def test_ratings_beyond_the_scale_and_of_unknown_items_count_as_far_as_they_can() -> None:
    served = serve(scale=(1.0, 5.0))

    def rate(item: str, rating: float, time: int = NOW) -> float:
        recent = {
            "recent_item_id": tf.constant([["i2", item]]),
            "recent_rating": tf.constant([[3.0, rating]]),
            "recent_timestamp": tf.constant([[NOW - 100, time]], tf.int64),
        }
        return float(served.rate(ids("u", [0]), ids("i", [12]), timestamp=at(NOW), **recent)["rating"][0])

    assert 1 < rate("i1", 5.0) < 5
    assert rate("i1", 1e30) == rate("i1", np.inf) == rate("i1", 5.0) != rate("i1", 1.0) == rate("i1", -9.0)
    assert rate("nothing", 4.0) == rate("i11", 4.0)  # item 11 is in the middle, without bias
    assert np.isfinite([rate("i1", 4.0, -(2**63)), rate("i1", 4.0, 2**63 - 1)]).all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="`recent_rating` must be numbers"):
        rate("i1", np.nan)


def test_recent_ratings_of_another_shape_or_without_a_time_are_refused(served: Served) -> None:
    users, items, recent = ids("u", [0, 1]), ids("i", [1, 2]), recent_of([0, 1])
    for call in (lambda **asked: served.rate(users, items, **asked), lambda **asked: served.recommend(users, **asked)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="`recent_item_id` needs the time of the request"):
            call(**recent)
        narrow = recent | {"recent_rating": recent["recent_rating"][:, 1:]}
        with pytest.raises(tf.errors.InvalidArgumentError, match="`recent_timestamp` must have the same shape"):
            call(timestamp=at(NOW, NOW), **narrow)
        short = recent | {"recent_rating": recent["recent_rating"][:1]}
        with pytest.raises(tf.errors.InvalidArgumentError, match="`recent_rating` must have one row for each row"):
            call(timestamp=at(NOW, NOW), **short)
        with pytest.raises(tf.errors.InvalidArgumentError, match="`timestamp` must have one row for each row"):
            call(timestamp=at(NOW))
    nothing = {name: column[:, :0] for name, column in recent.items()}
    assert np.array_equal(served.rate(users, items, **nothing)["rating"], served.rate(users, items)["rating"])
