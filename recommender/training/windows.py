"""Cuts events into windows: an event's item is the label, the user's training events before it are the context."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recommender.interactions.interactions import Interactions
from recommender.interactions.items import PADDING, Items
from recommender.interactions.sittings import sittings
from recommender.models.sequence import NOT_GIVEN
from schemas.errors import DataError
from schemas.settings.on_device import FeatureInput

_SECONDS_A_DAY = 86_400.0


class Windows(NamedTuple):
    """context: by feature, [n, length] int32 or float32, oldest first, padding at the end. label: [n] int32 items.

    event: [n] positions of the labels' events among the events given. context_length: [n] int32, number of events that
    the context is made from, which may be more than it holds.
    """

    context: dict[str, np.ndarray]
    label: np.ndarray
    event: np.ndarray
    context_length: np.ndarray

    def take(self, rows: np.ndarray | slice) -> "Windows":
        """Returns the windows at `rows`: positions, a slice, or [n] bool."""
        context = {name: values[rows] for name, values in self.context.items()}
        return Windows(context, *(column[rows] for column in self[1:]))

    def join(self, others: "Windows") -> "Windows":
        """Returns these windows and others with the same features."""
        context = {name: np.concatenate([values, others.context[name]]) for name, values in self.context.items()}
        return Windows(context, *map(np.concatenate, zip(self[1:], others[1:], strict=True)))


class Timelines:
    """The training events of known items, sorted by user and time, or by position if no event has a time."""

    def __init__(self, train: Interactions, items: Items):
        """Takes the training events.

        Raises:
          DataError: no event is of a known item.
        """
        self._events = train.take(train.item != PADDING)
        self._items = items
        if not len(self._events):
            raise DataError(
                "no training event is of an item of the catalogue, and on-device models learn from these only; run the "
                "data steps again"
            )
        when = self._when(self._events)
        self._first = int(when.min())
        # One second more than there are: any time after the last event sorts after all events.
        self._span = int(when.max()) - self._first + 2
        rated = self._events.rated.rating
        # An event without a rating counts as one with the mean rating.
        self._ratings = np.where(np.isnan(self._events.rating), rated.mean() if len(rated) else 0, self._events.rating)
        self._keys = self._key(self._events)

    @property
    def events(self) -> Interactions:
        """The training events in that order."""
        return self._events

    def windows(
        self, events: Interactions, features: Mapping[Any, FeatureInput], skipped: np.ndarray | None = None
    ) -> Windows:
        """Cuts a window for each event whose user has an earlier training event.

        Args:
          events: events of the same users; only strictly earlier events of the same user are in the context.
          features: the features of the contexts.
          skipped: [num_events], number of the latest earlier events to leave out, except the first; None: 0.
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

    def windows_before_sittings(self, features: Mapping[Any, FeatureInput]) -> Windows:
        """Cuts windows of training events whose context ends before the sitting of the event.

        They are of the events that have an earlier one in their sitting, and whose user has an earlier sitting; for
        others, the window would be empty or that of `windows`.
        """
        events, sitting = self._events, sittings(self._events)
        first, start = np.searchsorted(events.user, events.user), np.searchsorted(sitting, sitting)
        end = np.searchsorted(self._keys, self._keys)
        asked = np.flatnonzero((first < start) & (start < end))
        windows = self.windows(events.take(asked), features, (end - start)[asked])
        return windows._replace(event=asked[windows.event])

    def _key(self, events: Interactions) -> np.ndarray:
        """Returns [n] int64 keys that sort events by user and time."""
        places = np.clip(self._when(events) - self._first, 0, self._span - 1)
        return events.user.astype(np.int64) * self._span + places

    def _when(self, events: Interactions) -> np.ndarray:
        """Returns what orders a user's events, [n] int64."""
        return events.timestamp if self._events.has_times else events.position

    def _latest(self, name: str, begin: np.ndarray, end: np.ndarray, length: int) -> np.ndarray:
        """Returns the latest values, [n, length], from `begin` to before `end`; `age`: seconds since the first."""
        if name == "rating":
            flat, splits, nothing = self._ratings, np.arange(len(self._keys) + 1), NOT_GIVEN["rating"]
        elif name == "age":
            flat, splits, nothing = self._events.timestamp - self._first, np.arange(len(self._keys) + 1), np.nan
        else:
            rows = self._items.values[name].take(self._events.item)
            flat, splits, nothing = rows.values, rows.row_splits, PADDING
        stop = splits[end]
        places = np.maximum(splits[begin], stop - length)[:, np.newaxis] + np.arange(length)
        is_given = places < stop[:, np.newaxis]
        values = np.append(flat, nothing)[np.where(is_given, places, len(flat))]
        return values if name == "age" else values.astype(np.float32 if name == "rating" else np.int32)


def _days(now: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Returns the days, [n, length] float32, from past times, [n, length] seconds, to now, [n] seconds."""
    return ((now[:, np.newaxis] - past) / _SECONDS_A_DAY).astype(np.float32)
