"""One side of a matrix factorisation, drawn from its conditional distributions."""

import numpy as np
import tensorflow as tf

from recommender.models.chunks import Chunks
from recommender.models.low_rank import gram_matrix

_RIDGE = 1.0
"""Precision of the weights of the side features, relative to that of the vectors."""
_PRIOR_ROWS = 2.0
"""The prior of m is worth this many observed vectors of 0 (BPMF's beta)."""
_INITIAL_DEVIATION = 0.1
_INITIAL_PRECISION = 10.0


class Side(tf.Module):
    """Vectors x_k of the users (or of the items) with their prior, given those of the other side.

    x_k ~ N(m + B' f_k, inv(L)) with side features f_k; m and the columns of B are normal around 0 with inv(L) times a
    constant, and L has a Wishart prior with scale 1 and as many degrees of freedom as it has rows (Macau: Simm et al.,
    "Macau: Scalable Bayesian Factorization with High-Dimensional Side Information Using MCMC", 2017; without features,
    BPMF: Salakhutdinov and Mnih, 2008). The last element of a vector is the bias; it is multiplied by 1.
    """

    def __init__(
        self,
        features: np.ndarray,
        rows: np.ndarray,
        columns: np.ndarray,
        num_columns: int,
        width: int,
        generator: tf.random.Generator,
    ):
        """Sets the initial state.

        Args:
          features: [num_rows, num_features] float32, at least one row and one feature.
          rows: [num_events] indices of this side's members.
          columns: [num_events] indices of the other side's members; pairs may repeat.
          num_columns: number of the other side's members.
          width: width of a vector, including the bias.
          generator: generator of all random numbers.
        """
        num_rows, num_features = features.shape
        self._features, self._width, self._generator = tf.constant(features), width, generator
        self._observed = tf.constant(np.bincount(rows, minlength=num_rows)[:, np.newaxis] > 0)
        self._chunks = Chunks(rows, columns, num_rows, num_columns)
        gram = gram_matrix(features) + _RIDGE * np.eye(num_features)
        self._gram_root = tf.constant(np.linalg.cholesky(gram), tf.float32)
        self._weights = tf.Variable(tf.zeros([num_features, width]))
        self._precision = tf.Variable(_INITIAL_PRECISION * tf.eye(width))
        self.vectors = tf.Variable(_INITIAL_DEVIATION * generator.normal([num_rows, width]))
        """[num_rows, width], as last drawn."""
        self.means = tf.Variable(self.vectors)
        """[num_rows, width], means of the distribution that `vectors` were drawn from."""

    def draw(self, other: tf.Tensor, targets: tf.Tensor, noise_precision: tf.Tensor) -> None:
        """Draws the prior's parameters, then the vectors.

        Args:
          other: [num_columns, width - 1], the other side's vectors without bias.
          targets: [num_events], the values that <x, (other, 1)> is fitted to.
          noise_precision: [], 1 over the variance of the targets' noise.
        """
        prior = self._draw_prior()
        self.draw_vectors(prior, other, targets, noise_precision)

    def draw_vectors(self, prior: tf.Tensor, other: tf.Tensor, targets: tf.Tensor, noise_precision: tf.Tensor) -> None:
        """Draws the vectors given the prior's means, [num_rows, width]; the other arguments are those of `draw`."""
        design = tf.concat([other, tf.ones([tf.shape(other)[0], 1])], axis=1)
        fixed, noise = prior @ self._precision, self._generator.normal([*prior.shape, 1])
        blocks: list[tf.Tensor] = []
        for rows, grams, sums in self._chunks.products(design, targets):
            root = tf.linalg.cholesky(noise_precision * grams + self._precision)
            right = (noise_precision * sums + fixed[rows])[:, :, tf.newaxis]
            half = tf.linalg.triangular_solve(root, right)
            pair = tf.concat([half, half + noise[rows]], axis=2)
            blocks.append(tf.linalg.triangular_solve(root, pair, adjoint=True))
        both = tf.concat(blocks, axis=0)
        self.means.assign(tf.where(self._observed, both[:, :, 0], prior))
        self.vectors.assign(both[:, :, 1])

    def expected_vectors(self) -> tf.Tensor:
        """Returns [num_rows, width]: the vectors as drawn, or the prior's means for rows without events."""
        return tf.where(self._observed, self.vectors, self.means)

    def _draw_prior(self) -> tf.Tensor:
        """Draws m, L and B given the vectors; returns the prior's means, [num_rows, width]."""
        rest = self.vectors - self._features @ self._weights
        rows = self._features.shape[0] + _PRIOR_ROWS
        mean = tf.reduce_sum(rest, axis=0, keepdims=True) / rows + self._noise(1) / rows**0.5
        # The priors of m and B depend on L, so they are evidence of L too.
        known = [rest - mean, _PRIOR_ROWS**0.5 * mean, _RIDGE**0.5 * self._weights]
        self._draw_precision(tf.concat(known, axis=0))
        noisy = self.vectors - mean + self._noise(self._features.shape[0])
        right = tf.matmul(self._features, noisy, transpose_a=True)
        right += _RIDGE**0.5 * self._noise(self._features.shape[1])
        self._weights.assign(tf.linalg.cholesky_solve(self._gram_root, right))
        return mean + self._features @ self._weights

    def _draw_precision(self, known: tf.Tensor) -> None:
        """Draws L from a Wishart distribution by Bartlett's decomposition; known: [m, width], from N(0, inv(L))."""
        scatter = tf.matmul(known, known, transpose_a=True) + tf.eye(self._width)
        freedom = known.shape[0] + self._width - np.arange(self._width, dtype=np.float32)
        triangle = tf.linalg.band_part(self._generator.normal([self._width] * 2), -1, 0)
        squares = tf.random.stateless_gamma([self._width], self._generator.make_seeds()[:, 0], freedom / 2)
        triangle = tf.linalg.set_diag(triangle, tf.sqrt(2 * squares))
        factor = tf.linalg.triangular_solve(tf.linalg.cholesky(scatter), triangle, adjoint=True)
        self._precision.assign(tf.matmul(factor, factor, transpose_b=True))

    def _noise(self, num_rows: int) -> tf.Tensor:
        """Draws [num_rows, width], rows from N(0, inv(L))."""
        normal = self._generator.normal([self._width, num_rows])
        return tf.transpose(tf.linalg.triangular_solve(tf.linalg.cholesky(self._precision), normal, adjoint=True))
