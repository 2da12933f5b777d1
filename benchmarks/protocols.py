"""Protocols that split ratings into training and test.

`random`: rows in file order, permuted by numpy's RandomState(42); the first 80 % are for training.
`time`: rows in the order of their timestamps (ties in file order); the first 80 % are for training.
"""

from typing import Literal, NamedTuple

import numpy as np

from benchmarks.events import Events
from benchmarks.ratings import Ratings
from recommender.interactions.catalogue import Catalogue

Protocol = Literal["random", "time"]


class Data(NamedTuple):
    """The training data of a contender, and the test data, which it does not get.

    protocol: how the ratings were divided. scale: lowest and highest rating.
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


def divide(ratings: Ratings, protocol: Protocol, scale: tuple[float, float] | None) -> Data:
    """Divides the ratings into training and test.

    Args:
      ratings: all ratings.
      protocol: how to divide them.
      scale: lowest and highest rating; None: those of the training ratings.
    """
    events = Events(ratings.user, ratings.item, ratings.rating, ratings.timestamp)
    train, test = _split(events, protocol, 80)
    span = (float(train.rating.min()), float(train.rating.max()))
    return Data(protocol, train, test, ratings.catalogue, scale or span)


def hold_out(data: Data) -> Data:
    """Splits the training events by the same protocol into 90 % and 10 %, for choosing hyperparameters."""
    train, test = _split(data.train, data.protocol, 90)
    return data._replace(train=train, test=test)


def _split(events: Events, protocol: Protocol, percent: int) -> tuple[Events, Events]:
    size = len(events.user)
    if protocol == "random":
        order = np.random.RandomState(42).permutation(size)
    else:
        order = np.argsort(events.timestamp, kind="stable")
    num_train = size * percent // 100
    return events.take(order[:num_train]), events.take(order[num_train:])
