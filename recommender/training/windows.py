"""Cuts events into windows: an event's item is the label, the user's training events before it are the context."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.interactions.inputs import Events, Ragged
from recommender.interactions.items import PADDING, Items
from recommender.models.sequence import NOT_GIVEN
from schemas.errors import DataError
from schemas.hashing import seeded_share
from schemas.on_device import FeatureInput

_SECONDS_A_DAY = 86_400.0


class Windows(NamedTuple):
    """context: by feature, [n, length] int32 or float32, oldest first, padding at the end. label: [n] int32 items.

    event: [n] positions of the labels' events among those that were asked about. context_length: [n] int32, events
    that the context is made of, however many of them it has room for.
    """

    context: dict[str, np.ndarray]
    label: np.ndarray
    event: np.ndarray
    context_length: np.ndarray

    def take(self, rows: np.ndarray | slice) -> "Windows":
        """Returns the windows at `rows`: positions, a slice, or [n] bool."""
        context = {name: values[rows] for name, values in self.context.items()}
        return Windows(context, *(column[rows] for column in self[1:]))


class Timelines:
    """The training events of known items, user by user in their order."""

    def __init__(self, train: Events, items: Items, seed: int):
        """Orders the events; what a user did in the same second comes in a random order, since ids tell of none."""
        train = train.take(train.item != PADDING)
        chance = np.random.default_rng(seed).random(len(train.user))
        self._events = train.take(np.lexsort((chance, train.timestamp, train.user)))
        self._items = items
        if not len(train.user):
            raise DataError(
                "no training event is of an item of the catalogue; on-device models learn from nothing else"
            )
        self._first = int(train.timestamp.min())
        # One more than there is: whatever comes after the last second comes after all events.
        self._span = int(train.timestamp.max()) - self._first + 2
        self._keys = self._key(self._events)

    @property
    def events(self) -> Events:
        """In that order."""
        return self._events

    def windows(
        self, events: Events, features: Mapping[Any, FeatureInput], skipped: np.ndarray | None = None
    ) -> Windows:
        """Cuts a window for each event before which its user has a training event.

        Args:
          events: of the same users; strictly earlier events of the same user are the context, and no others.
          features: what the contexts are to hold.
          skipped: [num_events] so many of the latest earlier events are left out, but for the first; absent, none.
        """
        begin = np.searchsorted(self._events.user, events.user, side="left")
        end = np.searchsorted(self._keys, self._key(events), side="left")
        asked = np.flatnonzero(end > begin)
        begin, end, events = begin[asked], end[asked], events.take(asked)
        if skipped is not None:
            end = np.maximum(end - skipped[asked], begin + 1)
        context = {name: self._latest(name, begin, end, given.length) for name, given in features.items()}
        if "age" in context:
            past = context["age"]
            context["age"] = np.where(
                np.isnan(past), np.float32(NOT_GIVEN["age"]), _days(events.timestamp, past + self._first)
            )
        return Windows(context, events.item, asked, (end - begin).astype(np.int32))

    def _key(self, events: Events) -> np.ndarray:
        """[n] int64 that order events by user, then time."""
        return events.user.astype(np.int64) * self._span + np.clip(events.timestamp - self._first, 0, self._span - 1)

    def _latest(self, name: str, begin: np.ndarray, end: np.ndarray, length: int) -> np.ndarray:
        """[n, length] the latest values of the events from `begin` up to `end`; of ages, seconds since the first."""
        if name == "rating":
            flat, splits, nothing = self._events.rating, np.arange(len(self._keys) + 1), NOT_GIVEN["rating"]
        elif name == "age":
            flat, splits, nothing = self._events.timestamp - self._first, np.arange(len(self._keys) + 1), np.nan
        else:
            rows = take_rows(self._items.values[name], self._events.item)
            flat, splits, nothing = rows.values, rows.row_splits, PADDING
        stop = splits[end]
        places = np.maximum(splits[begin], stop - length)[:, np.newaxis] + np.arange(length)
        is_given = places < stop[:, np.newaxis]
        values = np.append(flat, nothing)[np.where(is_given, places, len(flat))]
        return values if name == "age" else values.astype(np.float32 if name == "rating" else np.int32)


def take_rows(ragged: Ragged, rows: np.ndarray) -> Ragged:
    """The rows at positions `rows`, [n]."""
    lengths = np.diff(ragged.row_splits)[rows]
    splits = np.concatenate([[0], np.cumsum(lengths)])
    offsets = np.repeat(ragged.row_splits[rows] - splits[:-1], lengths)
    return Ragged(ragged.values[np.arange(splits[-1]) + offsets], splits)


def hold_out(train: Events, share: float, method: str, seed: int) -> tuple[Events, Events]:
    """Divides the training events as the split divides all: what is fitted to, and what training is stopped by.

    Args:
      train: training events.
      share: to hold out, in `(0, 1)`.
      method: `time` holds out the latest events, `random` pairs of user and item by a seeded hash.
      seed: of the hash.

    Raises:
      DataError: one of the parts is empty.
    """
    if method == "time":
        held_out = np.zeros(len(train.user), bool)
        held_out[np.argsort(train.timestamp, kind="stable")[len(train.user) - round(len(train.user) * share) :]] = True
    else:
        pairs = train.user.astype(np.uint64) << np.uint64(32) | train.item.astype(np.uint64)
        held_out = seeded_share(pairs, seed) < share
    if held_out.all() or not held_out.any():
        raise DataError(
            f"{len(train.user)} training events are too few to hold some out; give more data or another "
            "training.validation_share"
        )
    return train.take(~held_out), train.take(held_out)


def _days(now: np.ndarray, past: np.ndarray) -> np.ndarray:
    """[n] and [n, length] seconds to [n, length] float32 days between."""
    return ((now[:, np.newaxis] - past) / _SECONDS_A_DAY).astype(np.float32)
