"""Sums of products over the events of each row."""

import itertools
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

_LENGTHS = 4, 64
"""Range of a chunk's length."""
_EVENTS_AT_ONCE, _ROWS_AT_ONCE = 2**18, 2**14
"""Numbers of events whose vectors are gathered at once, and of rows that are summed at once; they limit the memory."""


class Chunks:
    """Events in chunks of one length, each of a single row, so that matrix products sum over them.

    The last chunk of a row is padded. The length is near the mean number of events in a row.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, num_rows: int, num_columns: int):
        """Divides the events.

        Args:
          rows: [num_events] indices in `[0, num_rows)`.
          columns: [num_events] indices in `[0, num_columns)`.
          num_rows: at least 1.
          num_columns: at least 1.
        """
        counts = np.bincount(rows, minlength=num_rows)
        length = int(np.clip(2 ** np.round(np.log2(max(1, len(rows) / num_rows))), *_LENGTHS))
        ends = np.cumsum(-(-counts // length))
        order = np.lexsort((columns, rows))
        places = np.full(ends[-1] * length, len(rows), np.int32)
        first = length * np.append(0, ends[:-1]) - np.append(0, np.cumsum(counts)[:-1])
        places[np.arange(len(rows)) + np.repeat(first, counts)] = order
        self._places = tf.constant(places.reshape(-1, length))
        self._columns = tf.constant(np.append(columns, num_columns).astype(np.int32)[places].reshape(-1, length))
        self._row_of_chunk = tf.constant(np.repeat(np.arange(num_rows, dtype=np.int32), -(-counts // length)))
        self._blocks = _blocks(ends, max(1, _EVENTS_AT_ONCE // length))

    def products(self, design: tf.Tensor, targets: tf.Tensor) -> Iterator[tuple[slice, tf.Tensor, tf.Tensor]]:
        """Sums x x' and x y over the events of each row, for its column's vector x and its target y.

        Args:
          design: [num_columns, width] float32, x of each column.
          targets: [num_events] float32, y of each event.

        Yields:
          Blocks of rows: which, the sums of x x', [num_rows_in_block, width, width], and those of x y,
          [num_rows_in_block, width].
        """
        design = tf.pad(design, [[0, 1], [0, 0]])
        targets = tf.pad(targets, [[0, 1]])
        done: list[tf.Tensor] = []
        for rows, chunks in self._blocks:
            # One after the other: at the same time, they would need the memory of all.
            with tf.control_dependencies(done):
                vectors = tf.gather(design, self._columns[chunks])
                values = tf.gather(targets, self._places[chunks])[:, :, tf.newaxis]
                both = tf.matmul(vectors, tf.concat([vectors, values], axis=2), transpose_a=True)
                segments = self._row_of_chunk[chunks] - rows.start
                sums = tf.math.unsorted_segment_sum(both, segments, rows.stop - rows.start)
            done = [sums]
            yield rows, sums[:, :, :-1], sums[:, :, -1]


def _blocks(ends: np.ndarray, chunks_at_once: int) -> list[tuple[slice, slice]]:
    """Returns slices of rows and of their chunks; ends: [num_rows], the end of each row's chunks."""
    starts = np.append(0, ends)
    first = np.searchsorted(starts, np.arange(0, ends[-1] + 1, chunks_at_once), side="right") - 1
    bounds = np.unique([*first, *range(0, len(ends), _ROWS_AT_ONCE), len(ends)]).tolist()
    return [
        (slice(begin, end), slice(int(starts[begin]), int(starts[end]))) for begin, end in itertools.pairwise(bounds)
    ]
