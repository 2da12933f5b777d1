"""A recommender with known vectors, small enough to be checked by brute force."""

import numpy as np
import tensorflow as tf

from recommender.interactions.ragged import Ragged
from recommender.models.biases import Biases
from recommender.models.mood import GivenRatings
from recommender.serving.recommender import Parts

NUM_USERS, NUM_ITEMS = 5, 23


class Encoder:
    """Encodes a history as the mean of its items' vectors plus the time."""

    def __init__(self, vectors: np.ndarray):
        self._vectors = tf.Variable(np.vstack([vectors, np.zeros_like(vectors[:1])]))
        self.query_variables = [self._vectors]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        means = tf.reduce_mean(tf.gather(self._vectors, history), axis=1)
        return means + tf.cast(timestamps, tf.float32)[:, tf.newaxis]


class Rater(tf.Module):
    """A table of ratings, which increase by 1 if a time is given."""

    def __init__(self, ratings: np.ndarray):
        self.ratings = tf.Variable(ratings)

    def moments(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        return tf.ones_like(timestamps, tf.float32)

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        rated = tf.gather(tf.reshape(self.ratings, [-1]), users * (NUM_ITEMS + 1) + items)
        return rated if moments is None else rated + moments


def make_parts() -> Parts:
    rng = np.random.default_rng(7)
    seen = [sorted(rng.choice(NUM_ITEMS, size, replace=False)) for size in (0, 3, 9, NUM_ITEMS - 2, NUM_ITEMS)] + [[]]
    splits = np.concatenate([[0], np.cumsum([len(row) for row in seen])])

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    # Whole numbers, so that the vectors give ties.
    queries = rng.integers(-1, 2, [NUM_USERS + 1, 3]).astype(np.float32)
    candidates = rng.integers(-1, 2, [NUM_ITEMS, 3]).astype(np.float32)
    ratings = rng.normal(3.5, 2.0, [NUM_USERS + 1, NUM_ITEMS + 1]).astype(np.float32)
    biases = Biases(3.4, np.append(draw(NUM_USERS), np.float32(0)), np.append(draw(NUM_ITEMS), np.float32(0)))
    # Item i is of genre i % 3, every fifth of the last, unknown one too.
    genres = [[item % 3, *([3] if item % 5 == 0 else [])] for item in range(NUM_ITEMS)]
    return Parts(
        users=[b"u%d" % user for user in range(NUM_USERS)],
        items=[b"i%d" % item for item in range(NUM_ITEMS)],
        genres=[b"drama", b"crime", b"war"],
        titles=np.array([b"Title %d" % item for item in range(NUM_ITEMS)], object),
        item_genres=Ragged(np.concatenate(genres), np.cumsum([0, *map(len, genres)])),
        fallback=rng.integers(0, 6, NUM_ITEMS).astype(np.float32) / 2,
        seen=Ragged(np.concatenate(seen).astype(np.int32), splits),
        queries=queries,
        candidates=candidates,
        similar_queries=rng.permuted(np.arange(NUM_ITEMS * 2)).reshape(NUM_ITEMS, 2).astype(np.float32),
        similar_candidates=draw(NUM_ITEMS, 2),
        encoder=Encoder(candidates),
        history_length=3,
        now=-1,
        rater=Rater(ratings),
        biases=biases,
        scale=(1.0, 5.0),
    )
