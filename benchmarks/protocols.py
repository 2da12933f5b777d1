"""Protocols that split events into training and test.

`random`: rows in file order, permuted by numpy's RandomState(42); the first 80 % are for training.
`time`: rows in the order of their timestamps (ties in file order); the first 80 % are for training.
`last`: the last event of each user who has several is the test.
`given`: the data has files for training and test.
"""

from typing import Literal, NamedTuple

import numpy as np

from benchmarks.events import Events
from benchmarks.ratings import Ratings
from recommender.interactions.catalogue import Catalogue
from schemas.errors import DataError

Protocol = Literal["random", "time", "last", "given"]


class Data(NamedTuple):
    """The training data of a contender, and the test data, which it does not get.

    protocol: how the events were divided. scale: lowest and highest rating, NaN without ratings.
    """

    protocol: Protocol
    train: Events
    test: Events
    catalogue: Catalogue
    scale: tuple[float, float]

    @property
    def known_users(self) -> np.ndarray:
        """[num_users] bool: has a training event."""
        return np.bincount(self.train.user, minlength=self.catalogue.num_users) > 0

    @property
    def known_items(self) -> np.ndarray:
        """[num_items] bool: has a training event."""
        return np.bincount(self.train.item, minlength=self.catalogue.num_items) > 0

    @property
    def rated(self) -> "Data":
        """The data without the events that have no rating."""
        train, test = (events.take(~np.isnan(events.rating)) for events in (self.train, self.test))
        return self._replace(train=train, test=test)


def divide(ratings: Ratings, protocol: Protocol, scale: tuple[float, float] | None) -> Data:
    """Divides the events into training and test.

    Args:
      ratings: all events.
      protocol: how to divide them.
      scale: lowest and highest rating; None: those of the training events.

    Raises:
      DataError: the protocol is `time` and there are no times.
    """
    events = Events(ratings.user, ratings.item, ratings.rating, ratings.timestamp, ratings.position)
    if protocol == "time" and not events.has_times:
        raise DataError("expected times for the protocol time, got events without; use random or last")
    if protocol == "given":
        train, test = events.take(~ratings.is_test), events.take(ratings.is_test)
    else:
        train, test = _split(events, protocol, 80)
    span = (float(train.rating.min()), float(train.rating.max()))
    return Data(protocol, train, test, ratings.catalogue, scale or span)


def hold_out(data: Data) -> Data:
    """Splits the training events by the same protocol, for choosing hyperparameters.

    A tenth is held out: at random for `random` and `given`, the latest for `time`; for `last`, each user's last event.
    """
    train, test = _split(data.train, data.protocol, 90)
    return data._replace(train=train, test=test)


def _split(events: Events, protocol: Protocol, percent: int) -> tuple[Events, Events]:
    if protocol == "last":
        is_last = _is_last(events)
        return events.take(~is_last), events.take(is_last)
    size = len(events.user)
    if protocol == "time":
        order = np.argsort(events.timestamp, kind="stable")
    else:
        order = np.random.RandomState(42).permutation(size)
    num_train = size * percent // 100
    return events.take(order[:num_train]), events.take(order[num_train:])


def _is_last(events: Events) -> np.ndarray:
    """Returns [n] bool: whether the event is the last of a user who has several."""
    order = np.lexsort((events.timestamp if events.position is None else events.position, events.user))
    user = events.user[order]
    ends = np.append(user[1:] != user[:-1], True)
    begins = np.append(True, user[1:] != user[:-1])
    is_last = np.zeros(len(user), bool)
    is_last[order[ends & ~begins]] = True
    return is_last
