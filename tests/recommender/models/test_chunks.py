import numpy as np
import pytest
import tensorflow as tf

from recommender.models import chunks
from recommender.models.chunks import Chunks


@pytest.mark.parametrize(("events_at_once", "rows_at_once"), [(1, 9), (20, 9), (10**6, 9), (10**6, 2)])
def test_sums_are_those_of_the_events_of_each_row(
    monkeypatch: pytest.MonkeyPatch, events_at_once: int, rows_at_once: int
) -> None:
    monkeypatch.setattr(chunks, "_EVENTS_AT_ONCE", events_at_once)
    monkeypatch.setattr(chunks, "_ROWS_AT_ONCE", rows_at_once)
    generator = np.random.default_rng(0)
    rows, columns = generator.integers(0, 9, 60), generator.integers(0, 4, 60)
    rows[rows == 4], rows[:20] = 3, 1  # row 4 has no events, and row 1 several chunks
    design, targets = generator.normal(size=(4, 3)).astype(np.float32), generator.normal(size=60).astype(np.float32)

    found = list(Chunks(rows, columns, 9, 4).products(tf.constant(design), tf.constant(targets)))

    assert [block[0].start for block in found] == [0, *(block[0].stop for block in found[:-1])]
    assert found[-1][0].stop == 9 and (len(found) == 1) == (events_at_once == 10**6 and rows_at_once == 9)
    grams, sums = (np.concatenate([block[part] for block in found]) for part in (1, 2))
    for row in range(9):
        vectors = design[columns[rows == row]]
        assert grams[row] == pytest.approx(vectors.T @ vectors, abs=1e-4)
        assert sums[row] == pytest.approx(vectors.T @ targets[rows == row], abs=1e-4)
