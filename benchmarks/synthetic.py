"""A recommender with random vectors, of any size, for measuring the cost of calls."""

import numpy as np
import tensorflow as tf

from recommender.interactions.ragged import Ragged
from recommender.models.bayesian import RatingFactors
from recommender.models.biases import Biases
from recommender.models.mood import GivenRatings
from recommender.models.rating_model import RatingModel
from recommender.serving.recommender import Parts

_RATING_WIDTH = 32


class _Mean:
    """Encodes a history as the mean of its items' vectors."""

    def __init__(self, vectors: np.ndarray):
        self._vectors = tf.Variable(vectors, trainable=False)
        self.query_variables = [self._vectors]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.gather(self._vectors, history), axis=1)


class _NoMood(tf.Module):
    """A mood of zero at all times."""

    def __call__(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        return tf.zeros(tf.shape(users))


def random_parts(num_users: int, num_items: int, width: int, seen: int, seed: int = 0) -> Parts:
    """Draws the parts of a recommender.

    Args:
      num_users: number of known users `u0`, `u1`, ...
      num_items: number of items `i0`, `i1`, ...
      width: width of the retrieval vectors.
      seen: approximate number of items that each user has seen.
      seed: seed of all random numbers.
    """
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    biases = Biases(3.5, np.append(draw(num_users), np.float32(0)), np.append(draw(num_items), np.float32(0)))
    vectors = draw(num_users + 1, _RATING_WIDTH) / 8, draw(num_items + 1, _RATING_WIDTH)
    factors = RatingFactors(biases.mean, np.zeros(1, np.float32), biases.user, biases.item, *vectors)
    candidates, popularity = draw(num_items, width), rng.integers(0, 1_000, num_items)
    return Parts(
        users=[b"u%d" % user for user in range(num_users)],
        items=[b"i%d" % item for item in range(num_items)],
        genres=[b"drama", b"crime"],
        titles=np.array([b"Title of item %d" % item for item in range(num_items)], object),
        item_genres=Ragged(rng.integers(0, 2, num_items, np.int32), np.arange(num_items + 1)),
        fallback=np.log1p(popularity).astype(np.float32),
        seen=_random_rows(rng, num_users, num_items, seen),
        queries=draw(num_users + 1, width),
        candidates=candidates,
        similar_queries=draw(num_items, 8),
        similar_candidates=draw(num_items, 8),
        encoder=_Mean(candidates),
        history_length=50,
        now=1_000_000_000,
        rater=RatingModel(factors, _NoMood(), np.zeros(num_users + 1, np.float32)),
        biases=biases,
        scale=(1.0, 5.0),
    )


def _random_rows(rng: np.random.Generator, num_users: int, num_items: int, seen: int) -> Ragged:
    """Draws [num_users + 1] rows of distinct items; the last row is empty."""
    cells = np.unique(rng.integers(0, num_users * num_items, num_users * seen))
    users, items = np.divmod(cells, num_items)
    return Ragged(items.astype(np.int32), np.searchsorted(users, np.arange(num_users + 2)))
