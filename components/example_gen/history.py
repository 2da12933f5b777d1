"""The training events that come before an example: what the model may know of the user."""

from typing import NamedTuple

import numpy as np


class Interactions(NamedTuple):
    """user, item: [n] whole numbers from 0; timestamp: [n] int64, seconds."""

    user: np.ndarray
    item: np.ndarray
    timestamp: np.ndarray


class Histories:
    """Looks up histories among the training events."""

    def __init__(self, train: Interactions, length: int, strictly_earlier: bool):
        """Takes the training events, ordered by user and then time.

        Args:
          train: training events.
          length: most events in a history.
          strictly_earlier: whether a history ends before the example's timestamp, or holds the latest of all.
        """
        self._train, self._length, self._strictly_earlier = train, length, strictly_earlier
        self._times = np.unique(train.timestamp)
        self._num_items = 1 + int(train.item.max(initial=0))
        self._moments = self._moment(train.user, train.timestamp)
        self._pairs, self._repeats = np.unique(self._pair(train.user, train.item), return_counts=True)

    def of(self, examples: Interactions) -> tuple[np.ndarray, np.ndarray]:
        """Returns each example's latest training events of its user, oldest first, its own item left out.

        Returns:
          offsets: [num_examples + 1]; history i is `positions[offsets[i]:offsets[i + 1]]`.
          positions: positions in the training events.
        """
        begin = np.searchsorted(self._train.user, examples.user)
        if self._strictly_earlier:
            end = np.searchsorted(self._moments, self._moment(examples.user, examples.timestamp))
        else:
            end = np.searchsorted(self._train.user, examples.user, side="right")
        # A window wide enough to hold a full history beside every event of the example's own item.
        begin = np.maximum(begin, end - self._length - self._num_own(examples))
        example, positions = _ranges(begin, end)
        other = self._train.item[positions] != examples.item[example]
        example, positions = example[other], positions[other]
        counts = np.bincount(example, minlength=len(begin))
        from_end = np.cumsum(counts)[example] - np.arange(len(example))
        recent = from_end <= self._length
        offsets = np.concatenate([[0], np.cumsum(np.minimum(counts, self._length))])
        return offsets, positions[recent]

    def _moment(self, user: np.ndarray, timestamp: np.ndarray) -> np.ndarray:
        """Orders (user, timestamp) as one number; the times between two training times fall together."""
        return user * (len(self._times) + 1) + np.searchsorted(self._times, timestamp)

    def _pair(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        return user * self._num_items + item

    def _num_own(self, examples: Interactions) -> np.ndarray:
        """Returns [num_examples], how often the example's user met its item in training."""
        if not len(self._pairs):
            return np.zeros(len(examples.user), np.int64)
        pair = self._pair(examples.user, examples.item)
        place = np.minimum(np.searchsorted(self._pairs, pair), len(self._pairs) - 1)
        known = (self._pairs[place] == pair) & (examples.item < self._num_items)
        return np.where(known, self._repeats[place], 0)


def _ranges(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lays the ranges end to end: the range's number and the position, for each position of each range."""
    width = end - begin
    owner = np.repeat(np.arange(len(width)), width)
    first = np.cumsum(width) - width
    return owner, np.arange(len(owner)) - first[owner] + begin[owner]
