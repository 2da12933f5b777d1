import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.contexts import user_contexts
from recommender.interactions.ragged import Ragged
from recommender.models.biases import Biases
from recommender.training.rating_weight import Shortlists, best_weight, choose_rating_weight
from recommender.training.second_stage import SecondStage
from schemas.settings import ServingSettings
from small_interactions import interactions

NUM_USERS, NUM_ITEMS, SIZE = 40, 30, 20
RNG = np.random.default_rng(3)
ITEMS = np.stack([RNG.permutation(NUM_ITEMS)[:SIZE] for _ in range(NUM_USERS)]).astype(np.int32)
SCORES = np.tile(np.linspace(2.0, 0.0, SIZE, dtype=np.float32), (NUM_USERS, 1))
NOISE = RNG.normal(3.0, 0.5, SCORES.shape).astype(np.float32)
"""Ratings that say nothing."""


def at(places: np.ndarray, proposed: Shortlists) -> Ragged:
    """The relevant items: for each user the one at a place of the shortlist."""
    return Ragged.of([[row[place]] for row, place in zip(proposed.items.tolist(), places.tolist(), strict=True)])


def proposals(unit: float = 1.0) -> Shortlists:
    return Shortlists(np.arange(NUM_USERS), ITEMS, SCORES * np.float32(unit))


def rated(places: np.ndarray) -> np.ndarray:
    """Ratings that put the relevant items above the others, in addition to noise."""
    ratings = NOISE.copy()
    ratings[np.arange(NUM_USERS), places] += 1.0
    return ratings


PLACES = RNG.integers(0, SIZE, NUM_USERS)


def test_ratings_that_bring_relevant_items_up_get_a_weight_in_the_units_of_the_scores() -> None:
    weights = [best_weight(proposals(unit), rated(PLACES), at(PLACES, proposals()), NUM_ITEMS) for unit in (1, 10)]
    assert 0 < 10 * weights[0] == pytest.approx(weights[1])


def test_the_chosen_weight_improves_the_order() -> None:
    weight = best_weight(proposals(), rated(PLACES), at(PLACES, proposals()), NUM_ITEMS)
    rows = np.arange(NUM_USERS), PLACES

    def mean_rank(scores: np.ndarray) -> float:
        return float(np.mean(np.sum(scores >= scores[rows][:, np.newaxis], axis=1)))

    assert mean_rank(SCORES + weight * rated(PLACES)) < mean_rank(SCORES) - 2


@pytest.mark.parametrize(
    ("ratings", "places"),
    [(NOISE, np.zeros_like(PLACES)), (NOISE, PLACES), (-rated(PLACES), PLACES), (np.full_like(NOISE, 4), PLACES)],
    ids=["best first already", "noise", "reversed", "equal"],
)
def test_ratings_that_help_nothing_beyond_chance_get_no_weight(ratings: np.ndarray, places: np.ndarray) -> None:
    assert best_weight(proposals(), ratings, at(places, proposals()), NUM_ITEMS) == 0.0


def test_padding_stays_last_and_does_not_count() -> None:
    items, scores = ITEMS.copy(), SCORES.copy()
    items[:, -3:], scores[:, -3:] = NUM_ITEMS, np.nan
    proposed, places = Shortlists(np.arange(NUM_USERS), items, scores), PLACES % (SIZE - 3)
    ratings = rated(places)
    weight = best_weight(proposed, ratings, at(places, proposed), NUM_ITEMS)
    ratings[:, -3:] = 1e6
    assert 0 < weight == best_weight(proposed, ratings, at(places, proposed), NUM_ITEMS)


@pytest.mark.parametrize("num_users", [0, 1])
def test_too_few_users_decide_nothing(num_users: int) -> None:
    few = Shortlists(*(column[:num_users] for column in proposals()))
    relevant = at(PLACES[:num_users], few) if num_users else Ragged.of([])
    assert best_weight(few, rated(PLACES)[:num_users], relevant, NUM_ITEMS) == 0.0


class _Popular:
    """A retrieval model with the same scores for everyone: the first items are the best."""

    level = np.zeros(NUM_ITEMS)

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        return tf.ones([tf.shape(users)[0], 1])

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        return 2 - tf.cast(items, tf.float32)[:, tf.newaxis] / 10


class _Taste(tf.Module):
    """Predicts 5 for items of the user's parity, else 1."""

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        return 5.0 - 4.0 * tf.cast((users + items) % 2, tf.float32)


def _chosen(aim: str, num_known: int = NUM_USERS) -> float:
    """The weight if every user has held-out items that they dislike, early in the order, and one that they like."""
    users = np.arange(NUM_USERS)
    known = np.append(users[:num_known], NUM_USERS)
    fitted = interactions(known, np.full(len(known), NUM_ITEMS - 1), 3, None, NUM_USERS + 1, NUM_ITEMS)
    items = users[:, np.newaxis] % 2 + np.array([1, 3, 20])
    ratings = np.tile([1, 1, 5], NUM_USERS)
    held_out = interactions(np.repeat(users, 3), items.ravel(), ratings.ravel(), None, NUM_USERS + 1, NUM_ITEMS)
    biases = Biases(3.0, np.zeros(NUM_USERS + 2), np.zeros(NUM_ITEMS + 1))
    ranking = SecondStage(_Taste(), _Taste(), "bayesian", biases, (1.0, 5.0))
    settings = ServingSettings(n_candidates=NUM_ITEMS, aim=aim)
    return choose_rating_weight(_Popular(), user_contexts(fitted, 5, "random"), ranking, held_out, settings, seed=0)


def test_the_aim_decides_which_items_should_come_first() -> None:
    assert _chosen("liked") > 0 == _chosen("all")


def test_new_users_whose_order_never_changes_decide_nothing() -> None:
    assert _chosen("liked", num_known=0) == 0
