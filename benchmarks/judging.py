"""Measures of a fitted contender, and the test events that they are computed on."""

from typing import NamedTuple

import numpy as np

from benchmarks import measures
from benchmarks.contender import Rating, Retrieval
from benchmarks.measures import Measure
from benchmarks.protocols import Data
from schemas.errors import DataError


class Judged(NamedTuple):
    """A contender's measures by name.

    values: over all users. by_user: those that are sums over users.
    """

    values: dict[str, float]
    by_user: dict[str, Measure]


def judge(fitted: Retrieval | Rating, data: Data) -> Judged:
    """Measures a contender on the test events.

    With the protocol `time`, those events count whose user and item both have training events; events of new users
    with known items, and of known users with new items, are measured separately if the contender can score them. With
    another protocol, all test events count.

    Raises:
      DataError: no test event counts.
    """
    known_users, known_items = data.known_users[data.test.user], data.known_items[data.test.item]
    counted = known_users & known_items if data.protocol == "time" else np.ones(len(data.test.user), bool)
    if not counted.any():
        raise DataError(
            "expected test events whose user and item have training events, got none: the data is too small or too new"
        )
    if isinstance(fitted, Rating):
        test = data.test.take(counted)
        predicted = fitted.rate(test.user, test.item, test.timestamp)
        return _judged(measures.rating(test.user, predicted, test.rating, data.scale))
    ranks = _rank(fitted, data, counted)
    by_user, others = measures.retrieval(ranks), {"cov@10": ranks.coverage}
    if data.protocol == "time":
        of_new_users, of_new_items = ~known_users & known_items, known_users & ~known_items
        if fitted.new_users and of_new_users.any():
            by_user |= measures.new_users(_rank(fitted, data, of_new_users))
        if fitted.new_items and of_new_items.any():
            others |= measures.new_items(_rank(fitted, data, of_new_items))
    return _judged(by_user, others)


def _judged(by_user: dict[str, Measure], others: dict[str, float] | None = None) -> Judged:
    return Judged({name: measure.value for name, measure in by_user.items()} | (others or {}), by_user)


def _rank(fitted: Retrieval, data: Data, rows: np.ndarray) -> measures.Ranks:
    return measures.rank(fitted.scores, data.train, data.test.take(rows), data.catalogue.num_items)


def describe(data: Data) -> str:
    """Returns the numbers of events of each kind, in one line."""
    known_users, known_items = data.known_users[data.test.user], data.known_items[data.test.item]
    sorts = {
        "known pairs": known_users & known_items,
        "of new users": ~known_users & known_items,
        "of new items": known_users & ~known_items,
        "both new": ~known_users & ~known_items,
    }
    parts = ", ".join(f"{rows.sum():,} {name}" for name, rows in sorts.items() if rows.any())
    return (
        f"{data.protocol}: {len(data.train.user):,} training and {len(data.test.user):,} test events ({parts}), "
        f"{data.catalogue.num_items:,} candidates"
    )
