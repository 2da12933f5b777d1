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


class Events(NamedTuple):
    """Ratings given, one a row.

    user, item: [n] int32, indices; the number of known ones stands for every unknown one.
    rating: [n] float32. timestamp: [n] int64, seconds.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray

    def take(self, rows: np.ndarray) -> "Events":
        """Returns the events at `rows`: positions, or [n] bool."""
        return Events(*(column[rows] for column in self))


class Catalogue(NamedTuple):
    """All there is to know beside the events; item `i` is row `i`.

    genres, title_words, release_periods: a row of int32 indices for each item, possibly empty.
    num_users, num_genres, num_title_words, num_release_periods: how many are known; this number itself stands for
    unknown ones.
    """

    num_users: int
    num_genres: int
    num_title_words: int
    num_release_periods: int
    genres: Ragged
    title_words: Ragged
    release_periods: Ragged

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.genres.row_splits) - 1
