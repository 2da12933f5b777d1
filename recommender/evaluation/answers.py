"""What a model answers for held-out users and events, through the signatures that it is served with."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.measures import LENGTH
from schemas import signatures as names

_CELLS_AT_ONCE = 2**23
_USERS_AT_ONCE = 256
_EVENTS_AT_ONCE = 4_096
_UNKNOWN = b""


class Answers(NamedTuple):
    """The answers for n users with m held-out events.

    recommended, retrieved: [n, 100] int32 items; the size of the catalogue is padding. is_known: [n] bool. rating,
    rating_at_time: [m] float64 predictions, without and with the time of the event; NaN for an event without a rating
    or, for the latter, without a time; None if the model predicts no ratings, or cannot use a time.
    """

    recommended: np.ndarray
    retrieved: np.ndarray
    is_known: np.ndarray
    rating: np.ndarray | None
    rating_at_time: np.ndarray | None


class Client:
    """Asks a model through its signatures."""

    def __init__(self, model: Any, catalogue: Sequence[bytes]):
        """Numbers the items.

        Args:
          model: has the signatures as methods, like a loaded SavedModel.
          catalogue: ids of the items by index, on which questions and answers agree; the model may know others.
        """
        self._model, self._items = model, np.array([*catalogue, _UNKNOWN], object)
        self._index = {item: number for number, item in enumerate(catalogue)}

    def ask(self, held_out: HeldOut, users: np.ndarray, report: Callable[[int], None]) -> Answers:
        """Calls `recommend`, `retrieve` and `rate` with their defaults, 100 items for each user.

        Args:
          held_out: n users and their events.
          users: [n] ids (bytes) of the users.
          report: called with the number of users done.
        """
        model, num_items, size = self._model, len(self._items) - 1, len(users)
        recommended, retrieved = (np.full((size, LENGTH), num_items, np.int32) for _ in range(2))
        is_known, at_once = np.zeros(size, bool), max(1, min(_USERS_AT_ONCE, _CELLS_AT_ONCE // num_items))
        for begin in range(0, size, at_once):
            rows = slice(begin, min(begin + at_once, size))
            for lists, signature in ((recommended, model.recommend), (retrieved, model.retrieve)):
                found = signature(users[rows], k=np.int32(LENGTH))
                shown = np.asarray(found[names.ITEM_ID]).ravel().tolist()
                lists[rows] = np.reshape([self._index.get(item, num_items) for item in shown], (-1, LENGTH))
                is_known[rows] = found[names.IS_KNOWN]
            report(rows.stop)
        if not hasattr(model, names.RATE):
            return Answers(recommended, retrieved, is_known, None, None)
        pairs = users[held_out.items.rows], self._items[held_out.items.values]
        is_rated = ~np.isnan(held_out.rating)
        rating, is_timed = _rate(model, *pairs, is_rated), is_rated & held_out.is_timed
        if names.TIMESTAMP not in inspect.signature(model.rate).parameters or not is_timed.any():
            return Answers(recommended, retrieved, is_known, rating, None)
        at_time = _rate(model, *pairs, is_timed, timestamp=held_out.timestamp)
        return Answers(recommended, retrieved, is_known, rating, at_time)


def join(parts: Sequence[Answers]) -> Answers:
    """Joins one model's answers for the users of several parts, in order."""
    *lists, ratings, at_times = zip(*parts, strict=True)
    recommended, retrieved, is_known = map(np.concatenate, lists)
    rating = None if ratings[0] is None else np.concatenate(ratings)
    if all(times is None for times in at_times):
        return Answers(recommended, retrieved, is_known, rating, None)
    # In some parts, no event has a time.
    pairs = zip(ratings, at_times, strict=True)
    at_time = [np.full(len(found), np.nan) if times is None else times for found, times in pairs]
    return Answers(recommended, retrieved, is_known, rating, np.concatenate(at_time))


def _rate(model: Any, users: np.ndarray, items: np.ndarray, asked: np.ndarray, **columns: np.ndarray) -> np.ndarray:
    """Returns the predicted ratings, [m], of pairs of ids; NaN for those that are not asked for, [m] bool."""
    ratings, events = np.full(len(asked), np.nan), np.flatnonzero(asked)
    for begin in range(0, len(events), _EVENTS_AT_ONCE):
        rows = events[begin : begin + _EVENTS_AT_ONCE]
        given = {name: column[rows] for name, column in columns.items()}
        ratings[rows] = model.rate(users[rows], items[rows], **given)[names.RATING]
    return ratings
