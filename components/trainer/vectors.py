"""What a fitted model comes down to: a vector and a bias for each user and item."""

from typing import NamedTuple

import numpy as np

from components.models.inputs import Catalogue
from components.models.ranking import RankingModel
from components.models.two_tower import TwoTowerModel
from components.trainer.datasets import as_ragged
from components.trainer.validation import Histories

_ROWS_AT_ONCE = 8_192


class RetrievalVectors(NamedTuple):
    """score = <queries[u], candidates[i]>. queries: [num_users + 1, width]; candidates: [num_items, width] float32."""

    queries: np.ndarray
    candidates: np.ndarray


class RatingFactors(NamedTuple):
    """rating = mean + user_bias[u] + item_bias[i] + <user_vectors[u], item_vectors[i]>.

    user_bias: [num_users + 1]; item_bias: [num_items + 1]; user_vectors: [num_users + 1, width]; item_vectors:
    [num_items + 1, width]; all float32. The last row of each, for unknown ones, is 0.
    """

    mean: float
    user_bias: np.ndarray
    item_bias: np.ndarray
    user_vectors: np.ndarray
    item_vectors: np.ndarray

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Predicted ratings, [n], of users and items given as indices, [n]; not clipped to a scale."""
        products = np.sum(self.user_vectors[users] * self.item_vectors[items], axis=1)
        return self.mean + self.user_bias[users] + self.item_bias[items] + products


def retrieval_vectors(model: TwoTowerModel, histories: Histories, catalogue: Catalogue) -> RetrievalVectors:
    """Encodes every user, with his history, and every item."""
    # A user without any event has a row that was never fitted; the unknown user's was.
    users = np.arange(catalogue.num_users + 1)
    users[np.diff(histories.items.row_splits) == 0] = catalogue.num_users
    history = as_ragged(histories.items)
    queries = [model.encode_queries(users[rows], history[rows.start : rows.stop]) for rows in _blocks(len(users))]
    items = np.arange(catalogue.num_items)
    candidates = [model.encode_candidates(items[rows]) for rows in _blocks(len(items))]
    return RetrievalVectors(np.concatenate(queries), np.concatenate(candidates))


def rating_factors(model: RankingModel, histories: Histories, catalogue: Catalogue) -> RatingFactors:
    """Encodes every user, with his history, and every item."""
    users, items = np.arange(catalogue.num_users + 1), np.arange(catalogue.num_items + 1)
    history, rating = as_ragged(histories.items), as_ragged(histories.ratings)
    user_sides = [
        model.encode_users(users[rows], history[rows.start : rows.stop], rating[rows.start : rows.stop])
        for rows in _blocks(len(users))
    ]
    item_sides = [model.encode_items(items[rows]) for rows in _blocks(len(items))]
    user_bias, user_vectors = (np.concatenate(parts) for parts in zip(*user_sides, strict=True))
    item_bias, item_vectors = (np.concatenate(parts) for parts in zip(*item_sides, strict=True))
    for unknown in (user_bias, user_vectors, item_bias, item_vectors):
        unknown[-1] = 0.0
    return RatingFactors(model.mean, user_bias, item_bias, user_vectors, item_vectors)


def _blocks(num_rows: int) -> list[slice]:
    return [slice(begin, min(begin + _ROWS_AT_ONCE, num_rows)) for begin in range(0, num_rows, _ROWS_AT_ONCE)]
