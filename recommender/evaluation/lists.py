"""Lists of the best items for users, without the items that they have seen."""

from collections.abc import Callable

import numpy as np

from recommender.evaluation.measures import LENGTH
from recommender.interactions.ragged import Ragged

_CELLS_AT_ONCE = 2**23
_USERS_AT_ONCE = 256

Scores = Callable[[np.ndarray], np.ndarray]
"""Returns the scores of all items, [n, num_items] float32, for users, [n] indices."""


def best_items(scores: Scores, users: np.ndarray, seen: Ragged, num_items: int, size: int = LENGTH) -> np.ndarray:
    """Returns the items with the highest scores, a block of users at a time.

    Args:
      scores: scores of all items; NaN counts as the lowest.
      users: [n] indices.
      seen: a row of items for each user, which are left out.
      num_items: size of the catalogue.
      size: length of a list.

    Returns:
      [n, size] int32, the best first; a list with fewer items is padded with `num_items`.
    """
    lists = np.full((len(users), size), num_items, np.int32)
    length, at_once = min(size, num_items), max(1, _CELLS_AT_ONCE // num_items)
    for begin in range(0, len(users), at_once):
        block = users[begin : begin + at_once]
        lower = -np.nan_to_num(scores(block).astype(np.float32), nan=-np.inf)
        left_out = seen.take(block)
        lower[left_out.rows, left_out.values] = np.inf
        best = np.argpartition(lower, length - 1, axis=1)[:, :length]
        best = np.take_along_axis(best, np.argsort(np.take_along_axis(lower, best, 1), axis=1, kind="stable"), 1)
        is_left = np.take_along_axis(lower, best, 1) < np.inf
        lists[begin : begin + at_once, :length] = np.where(is_left, best, num_items)
    return lists


def first_items(order: np.ndarray, users: np.ndarray, seen: Ragged) -> np.ndarray:
    """Returns the first items of one order for all users; see `best_items`.

    Args:
      order: [num_items] all items, the best first.
      users: [n] indices.
      seen: a row of items for each user, which are left out.
    """
    num_items, lengths, place = len(order), np.diff(seen.row_splits)[users], np.argsort(order)
    lists = np.full((len(users), LENGTH), num_items, np.int32)
    by_length = np.argsort(lengths, kind="stable")
    for begin in range(0, len(users), _USERS_AT_ONCE):
        rows = by_length[begin : begin + _USERS_AT_ONCE]
        width = min(num_items, LENGTH + int(lengths[rows[-1]]))  # at least 100 of them are unseen, if there are as many
        left_out, is_left = seen.take(users[rows]), np.ones((len(rows), width), bool)
        places = place[left_out.values]
        within = places < width
        is_left[left_out.rows[within], places[within]] = False
        kept = np.argsort(~is_left, axis=1, kind="stable")[:, :LENGTH]
        lists[rows, : kept.shape[1]] = np.where(np.take_along_axis(is_left, kept, 1), order[kept], num_items)
    return lists
