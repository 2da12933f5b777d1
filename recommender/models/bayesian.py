"""Bayesian matrix factorisation: the mean prediction over the posterior instead of one best fit."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.models.batch_means import BatchMeans
from recommender.models.binned import Binned
from recommender.models.blocks import in_turn
from recommender.models.gibbs import Side
from recommender.models.low_rank import ProductMean
from schemas.settings import BayesianSettings

_MOOD_PRECISION = 10.0
_PAIRS = 10_000
"""Number of pairs of a user and an item whose predictions show how far the chain's mean is from its limit."""
_NEGLIGIBLE = 0.001
"""A squared error of these below this share of the ratings' noise is small enough."""
_MOST_NOISE_PRECISION = 1_000.0
"""Maximum, so that it stays finite if all ratings are fitted exactly. Its prior is worth one squared error of 1."""


class RatingFactors(NamedTuple):
    """rating = mean + user_bias[u] + item_bias[i] + <user_vectors[u], item_vectors[i]> + <mood_weights, phi>.

    mood_weights: [mood width]. user_bias: [num_users + 1], item_bias: [num_items + 1], user_vectors:
    [num_users + 1, k], item_vectors: [num_items + 1, k]; the last row, for unknown ones, is 0. All float32.
    """

    mean: float
    mood_weights: np.ndarray
    user_bias: np.ndarray
    item_bias: np.ndarray
    user_vectors: np.ndarray
    item_vectors: np.ndarray


class Ratings(NamedTuple):
    """The data of a fit.

    user, item: [n] int32 indices of known ones; n is at least 1. rating: [n] float32. mood: phi of the n events.
    user_features: [num_users, ...] float32. item_features: [num_items, ...] float32.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    mood: Binned
    user_features: np.ndarray
    item_features: np.ndarray


def fit_bayesian(
    ratings: Ratings, settings: BayesianSettings, seed: int, report: Callable[[int], None]
) -> RatingFactors:
    """Draws from the posterior distribution by Gibbs sampling and averages predictions.

    The model is that of `RatingFactors` with normal noise, `Side` for users and items, and mood weights from
    N(0, 1 / 10); the unit is the ratings' standard deviation. A sweep draws every block exactly, given the others.
    The vectors of users are averaged as drawn, those of items as their means given the users', which has the same
    expectation and less variance. The mean of dot products is a dot product of concatenated vectors, of which
    `ProductMean` keeps few columns. The sweeps end when the standard error of the predictions is small against the
    noise: with many ratings for each user and item, a mean over fewer sweeps is as good.

    Args:
      ratings: the data.
      settings: `dimension`, `sweeps`, `burn_in` and `export_rank` are used.
      seed: seed of all random numbers.
      report: called after each sweep with the number of sweeps done.
    """
    sampler = Sampler(ratings, settings.dimension, seed)
    num_users, num_items = len(ratings.user_features), len(ratings.item_features)
    sums = [np.zeros(size, np.float32) for size in (num_users, num_items, ratings.mood.width)]
    products = ProductMean(num_users, num_items, 2 * settings.export_rank)
    draws, pairs = BatchMeans(), np.random.default_rng(seed).integers(0, len(ratings.user), [2, _PAIRS])
    asked = ratings.user[pairs[0]], ratings.item[pairs[1]]
    for sweep in range(settings.sweeps):
        sampler.sweep()
        if sweep >= settings.burn_in:
            users, items = sampler.users.expected_vectors().numpy(), sampler.items.means.numpy()
            products.add(users[:, :-1], items[:, :-1])
            for total, part in zip(sums, (users[:, -1], items[:, -1], sampler.mood_weights.numpy()), strict=True):
                total += part
            user, item = users[asked[0]], items[asked[1]]
            draws.add(np.sum(user[:, :-1] * item[:, :-1], axis=1) + user[:, -1] + item[:, -1])
        report(sweep + 1)
        if draws.squared_error() < _NEGLIGIBLE * sampler.noise:
            break
    scale = np.float32(sampler.unit / (sweep + 1 - settings.burn_in))
    user_bias, item_bias, mood_weights = (scale * total for total in sums)
    vectors = (np.float32(sampler.unit**0.5) * factor for factor in products.factors(settings.export_rank))
    tables = [np.concatenate([table, np.zeros_like(table[:1])]) for table in (user_bias, item_bias, *vectors)]
    return RatingFactors(sampler.mean, mood_weights, *tables)


class Sampler(tf.Module):
    """The state of the Markov chain, in deviations from the `mean` rating divided by `unit`."""

    def __init__(self, ratings: Ratings, dimension: int, seed: int):
        """Sets the initial state.

        Args:
          ratings: the data.
          dimension: width of the vectors without bias.
          seed: seed of all random numbers.
        """
        generator = tf.random.Generator.from_seed(seed)
        sizes = len(ratings.user_features), len(ratings.item_features)
        self.users = Side(ratings.user_features, ratings.user, ratings.item, sizes[1], dimension + 1, generator)
        self.items = Side(ratings.item_features, ratings.item, ratings.user, sizes[0], dimension + 1, generator)
        self.mood_weights = tf.Variable(tf.zeros([ratings.mood.width]))
        self._noise_precision, self._generator = tf.Variable(1.0), generator
        self._user, self._item = tf.constant(ratings.user), tf.constant(ratings.item)
        self.mean = float(ratings.rating.mean(dtype=np.float64))
        self.unit = float(ratings.rating.std(dtype=np.float64)) or 1.0
        self._deviation = tf.constant((ratings.rating - self.mean) / self.unit, tf.float32)
        self._mood, self._mood_squares = ratings.mood, tf.constant(ratings.mood.squares())

    @property
    def noise(self) -> float:
        """The variance of the ratings' noise, as last drawn."""
        return 1 / float(self._noise_precision)

    @tf.function
    def sweep(self) -> None:
        """Draws every unknown once."""
        rest = self._deviation - self._mood.times(self.mood_weights)
        users, items = self.users, self.items
        user_targets = rest - tf.gather(items.vectors[:, -1], self._item)
        users.draw(items.vectors[:, :-1], user_targets, self._noise_precision)
        item_targets = rest - tf.gather(users.vectors[:, -1], self._user)
        items.draw(users.vectors[:, :-1], item_targets, self._noise_precision)
        error = self._deviation - self._products()
        self._draw_mood_weights(error)
        self._draw_noise_precision(error - self._mood.times(self.mood_weights))

    def _products(self) -> tf.Tensor:
        """Returns b_u + b_i + <p_u, q_i>, [n]."""

        def of_block(rows: slice) -> tf.Tensor:
            users = tf.gather(self.users.vectors, self._user[rows])
            items = tf.gather(self.items.vectors, self._item[rows])
            return tf.reduce_sum(users[:, :-1] * items[:, :-1], axis=1) + users[:, -1] + items[:, -1]

        return tf.concat(in_turn(of_block, len(self._user)), axis=0)

    def _draw_mood_weights(self, error: tf.Tensor) -> None:
        noise_precision = tf.cast(self._noise_precision, tf.float64)
        prior = _MOOD_PRECISION * tf.eye(self._mood.width, dtype=tf.float64)
        root = tf.linalg.cholesky(noise_precision * self._mood_squares + prior)
        right = noise_precision * self._mood.transposed_times(error)[:, tf.newaxis]
        half = tf.linalg.triangular_solve(root, right)
        half += self._generator.normal(half.shape, dtype=tf.float64)
        drawn = tf.linalg.triangular_solve(root, half, adjoint=True)[:, 0]
        self.mood_weights.assign(tf.cast(drawn, tf.float32))

    def _draw_noise_precision(self, error: tf.Tensor) -> None:
        gamma = tf.random.stateless_gamma([], self._generator.make_seeds()[:, 0], (error.shape[0] + 1) / 2)
        drawn = gamma / ((tf.reduce_sum(tf.square(error)) + 1) / 2)
        self._noise_precision.assign(tf.minimum(drawn, _MOST_NOISE_PRECISION))
