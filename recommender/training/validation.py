"""A part of the training events to stop by, and measures on it."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.inputs import Events, Ragged
from schemas.errors import DataError
from schemas.hashing import seeded_share

CHANCE = 0.002
"""Share of a measure on held-out events by which models differ that are equally good."""
_CELLS_AT_ONCE = 2**24
_MOST_EVENTS_AT_ONCE = 512
_MOST_EVENTS = 20_000


class ValidationCut(NamedTuple):
    """fitted: what the model is fitted to. held_out: what it is measured on."""

    fitted: Events
    held_out: Events


def cut_validation(events: Events, share: float, method: str, seed: int) -> ValidationCut:
    """Holds out a share of the training events.

    Args:
      events: training events.
      share: to hold out, in `(0, 1)`.
      method: `random` holds out (user, item) pairs by a seeded hash; `time` holds out the latest events.
      seed: of the hash.

    Returns:
      Both parts; no pair of user and item is in both. By time, later repeats of a fitted pair are in neither.

    Raises:
      DataError: one of the parts is empty.
    """
    if method == "time":
        num_fitted = min(len(events.user) - round(len(events.user) * share), len(events.user) - 1)
        held_out = np.zeros(len(events.user), bool)
        held_out[np.argsort(events.timestamp, kind="stable")[num_fitted:]] = True
        # What a user repeats after the cut is no test of what was learned before it.
        pairs = (events.user.astype(np.int64) << 32) | events.item
        cut = ValidationCut(events.take(~held_out), events.take(held_out & ~np.isin(pairs, pairs[~held_out])))
    else:
        held_out = _is_held_out(events.user, events.item, share, seed)
        cut = ValidationCut(events.take(~held_out), events.take(held_out))
    if not len(cut.fitted.user) or not len(cut.held_out.user):
        raise DataError(
            f"{len(events.user)} training events are too few: cut by the method {method!r}, they leave "
            f"{len(cut.fitted.user)} to fit and {len(cut.held_out.user)}, repeats left out, to stop by; give more data "
            "or another training.validation_share"
        )
    return cut


def _is_held_out(users: np.ndarray, items: np.ndarray, share: float, seed: int) -> np.ndarray:
    """[n] bool, at least one of them true, the same for the same pair wherever it stands."""
    pairs = (users.astype(np.uint64) << np.uint64(32)) | items.astype(np.uint64)
    places = seeded_share(pairs, seed)
    return (places < share) | (places == places.min())


class NdcgMeasure:
    """Mean over held-out events of 1 / log2(1 + rank).

    There is no cut at some rank, since with one most events have no say and epochs are harder to tell apart. Items
    that the user has seen are left out; of equal scores, half are counted as higher. Only users who have been seen
    count, if there are any: the others are not served by the model.
    """

    def __init__(self, seen: Ragged, held_out: Events, seed: int):
        """Takes what is measured on.

        Args:
          seen: [num_users + 1] rows of items.
          held_out: events of `held_out.user` and `held_out.item`; unknown items are found nowhere.
          seed: of the choice among very many events.
        """
        self._seen = seen
        known = np.flatnonzero(np.diff(seen.row_splits)[held_out.user] > 0)
        rows = known if len(known) else np.arange(len(held_out.user))
        if len(rows) > _MOST_EVENTS:
            rows = np.random.default_rng(seed).choice(rows, _MOST_EVENTS, replace=False)
        rows = rows[np.argsort(held_out.user[rows], kind="stable")]
        self._user, self._item = held_out.user[rows], held_out.item[rows]

    def __call__(self, queries: np.ndarray, candidates: np.ndarray) -> float:
        """Measures vectors, [num_users + 1, width] and [num_items, width] float32."""
        gains = np.zeros(len(self._user))
        at_once = max(1, min(_MOST_EVENTS_AT_ONCE, _CELLS_AT_ONCE // len(candidates)))
        for block in np.array_split(np.arange(len(gains)), -(-len(gains) // at_once)):
            known = block[self._item[block] < len(candidates)]
            users, own = np.unique(self._user[known], return_inverse=True)
            scores = queries[users] @ candidates.T
            own_scores = scores[own, self._item[known]]
            for row, user in enumerate(users):
                scores[row, self._seen.values[self._seen.row_splits[user] : self._seen.row_splits[user + 1]]] = -np.inf
            # "Not lower or equal" rather than "higher": a score that is not a number then ranks last, not first.
            higher = np.sum(~(scores[own] <= own_scores[:, np.newaxis]), axis=1)
            equal = np.maximum(np.sum(scores[own] == own_scores[:, np.newaxis], axis=1) - 1, 0)
            gains[known] = 1 / np.log2(2 + higher + equal / 2)
        return float(np.mean(gains))
