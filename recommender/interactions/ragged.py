"""Rows of unequal length as two arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Ragged(NamedTuple):
    """Rows of unequal length: row `i` is `values[row_splits[i]:row_splits[i + 1]]`.

    values: [num_values]. row_splits: [num_rows + 1] int64, ascending from 0 to `num_values`.
    """

    values: np.ndarray
    row_splits: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]]) -> "Ragged":
        """Creates rows from lists of integers, stored as int32."""
        splits = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(np.array([value for row in rows for value in row], np.int32), splits)

    @property
    def rows(self) -> np.ndarray:
        """[num_values] int64, the row of each value."""
        return np.repeat(np.arange(len(self.row_splits) - 1), np.diff(self.row_splits))

    def keep(self, values: np.ndarray) -> "Ragged":
        """Returns the same rows with only the values where `values`, [num_values] bool, is true."""
        kept_before = np.concatenate([[0], np.cumsum(values)])
        return Ragged(self.values[values], kept_before[self.row_splits])

    def take(self, rows: np.ndarray) -> "Ragged":
        """Returns the rows at positions `rows`, [n]."""
        lengths = np.diff(self.row_splits)[rows]
        splits = np.concatenate([[0], np.cumsum(lengths)])
        offsets = np.repeat(self.row_splits[rows] - splits[:-1], lengths)
        return Ragged(self.values[np.arange(splits[-1]) + offsets], splits)
