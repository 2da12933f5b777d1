"""What the models are fitted to: events and the catalogue, as columns of numpy arrays."""

from typing import NamedTuple

import numpy as np


class Ragged(NamedTuple):
    """Rows of unequal length: row `i` is `values[row_splits[i]:row_splits[i + 1]]`.

    values: [num_values]. row_splits: [num_rows + 1] int64, ascending from 0 to `num_values`.
    """

    values: np.ndarray
    row_splits: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """[num_values] int64, the row that each value stands in."""
        return np.repeat(np.arange(len(self.row_splits) - 1), np.diff(self.row_splits))

    def keep(self, values: np.ndarray) -> "Ragged":
        """Returns the same rows with only the values for which `values`, [num_values] bool, holds."""
        kept_before = np.concatenate([[0], np.cumsum(values)])
        return Ragged(self.values[values], kept_before[self.row_splits])

    def take(self, rows: np.ndarray) -> "Ragged":
        """Returns the rows for which `rows`, [num_rows] bool, holds."""
        lengths = np.diff(self.row_splits)
        return Ragged(self.values[np.repeat(rows, lengths)], np.concatenate([[0], np.cumsum(lengths[rows])]))


class Events(NamedTuple):
    """Ratings given, one a row.

    user, item: [n] int32, indices; the number of known ones stands for every unknown one.
    rating: [n] float32. timestamp: [n] int64, seconds.
    history: n rows of int32, the user's other items that the row's prediction may draw on, oldest first.
    history_rating: n rows of float32, his ratings of them.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    history: Ragged
    history_rating: Ragged

    def take(self, rows: np.ndarray) -> "Events":
        """Returns the events for which `rows`, [n] bool, holds."""
        return Events(
            self.user[rows],
            self.item[rows],
            self.rating[rows],
            self.timestamp[rows],
            self.history.take(rows),
            self.history_rating.take(rows),
        )


class Catalogue(NamedTuple):
    """All there is to know beside the events; item `i` is row `i`.

    genres, title_words: a row of int32 indices for each item, possibly empty.
    num_users, num_genres, num_title_words: how many are known; this number itself stands for unknown ones.
    """

    num_users: int
    num_genres: int
    num_title_words: int
    genres: Ragged
    title_words: Ragged

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.genres.row_splits) - 1
