import numpy as np

from recommender.interactions.ragged import Ragged

ROWS = Ragged.of([[], [4, 5], [6], [7, 8, 9]])


def test_rows_of_unequal_length() -> None:
    assert ROWS.values.tolist() == [4, 5, 6, 7, 8, 9] and ROWS.values.dtype == np.int32
    assert ROWS.row_splits.tolist() == [0, 0, 2, 3, 6] and ROWS.row_splits.dtype == np.int64
    assert ROWS.rows.tolist() == [1, 1, 2, 3, 3, 3]


def test_kept_values_stay_in_their_rows() -> None:
    kept = ROWS.keep(ROWS.values % 2 == 0)
    assert kept.values.tolist() == [4, 6, 8] and kept.row_splits.tolist() == [0, 0, 1, 2, 3]


def test_taken_rows_are_repeated_and_reordered() -> None:
    taken = ROWS.take(np.array([3, 0, 2, 3]))
    assert taken.values.tolist() == [7, 8, 9, 6, 7, 8, 9] and taken.row_splits.tolist() == [0, 3, 3, 4, 7]
