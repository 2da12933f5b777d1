"""A part of the training events to stop by, and measures on it."""

from typing import NamedTuple

import numpy as np

from components.models.inputs import Events, Ragged
from schemas.hashing import seeded_share

_EVENTS_AT_ONCE = 512


class ValidationCut(NamedTuple):
    """fitted: what the model is fitted to. held_out: what it is measured on."""

    fitted: Events
    held_out: Events


def cut_validation(events: Events, share: float, method: str, seed: int) -> ValidationCut:
    """Holds out a share of the training events.

    Args:
      events: training events.
      share: to hold out, in `(0, 1)`.
      method: `random` holds out (user, item) pairs by a seeded hash, and removes them from the histories of the
        remaining events, where they would give away what is to be predicted; `time` holds out the latest events,
        which no history holds, since histories end before their event.
      seed: of the hash.

    Returns:
      Both parts; no pair of user and item is in both. By time, later repeats of a fitted pair are in neither.
    """
    if method == "time":
        num_fitted = len(events.user) - round(len(events.user) * share)
        held_out = np.zeros(len(events.user), bool)
        held_out[np.argsort(events.timestamp, kind="stable")[num_fitted:]] = True
        # What a user repeats after the cut is no test of what was learned before it.
        pairs = (events.user.astype(np.int64) << 32) | events.item
        return ValidationCut(events.take(~held_out), events.take(held_out & ~np.isin(pairs, pairs[~held_out])))
    held_out = _is_held_out(events.user, events.item, share, seed)
    fitted = events.take(~held_out)
    remembered = ~_is_held_out(fitted.user[fitted.history.rows], fitted.history.values, share, seed)
    fitted = fitted._replace(
        history=fitted.history.keep(remembered), history_rating=fitted.history_rating.keep(remembered)
    )
    return ValidationCut(fitted, events.take(held_out))


def _is_held_out(users: np.ndarray, items: np.ndarray, share: float, seed: int) -> np.ndarray:
    """[n] bool, the same for the same pair wherever it stands."""
    pairs = (users.astype(np.uint64) << np.uint64(32)) | items.astype(np.uint64)
    return seeded_share(pairs, seed) < share


class Histories(NamedTuple):
    """What is known of each user at the end of training; row `num_users` is the unknown user's, and empty.

    items, ratings: [num_users + 1] rows, the user's latest events, oldest first.
    """

    items: Ragged
    ratings: Ragged


def latest_histories(events: Events, num_users: int, length: int) -> Histories:
    """The latest events of each user, at most `length`."""
    order = np.lexsort((events.item, events.timestamp, events.user))
    order = order[events.user[order] < num_users]
    counts = np.bincount(events.user[order], minlength=num_users + 1)
    from_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(order))
    order = order[from_end <= length]
    splits = np.concatenate([[0], np.cumsum(np.minimum(counts, length))])
    return Histories(Ragged(events.item[order], splits), Ragged(events.rating[order], splits))


def seen_items(events: Events, num_users: int) -> Ragged:
    """The distinct items of each user's events, [num_users + 1] rows; the last, of unknown users, is empty."""
    pairs = np.unique(np.stack([events.user, events.item], axis=1)[events.user < num_users], axis=0)
    counts = np.bincount(pairs[:, 0], minlength=num_users + 1)
    return Ragged(pairs[:, 1].astype(np.int32), np.concatenate([[0], np.cumsum(counts)]))


def ndcg(queries: np.ndarray, candidates: np.ndarray, seen: Ragged, held_out: Events) -> float:
    """Mean over the held-out events of 1 / log2(1 + rank).

    There is no cut at some rank, since with one most events have no say and epochs are harder to tell apart. Items
    that the user has seen are left out; of equal scores, half are counted as higher.

    Args:
      queries: [num_users + 1, dimension] float32.
      candidates: [num_items, dimension] float32.
      seen: [num_users + 1] rows of items.
      held_out: events of `held_out.user` and `held_out.item`; unknown items are found nowhere.
    """
    gains = np.zeros(len(held_out.user))
    order = np.argsort(held_out.user, kind="stable")
    for block in np.array_split(order, max(1, len(order) // _EVENTS_AT_ONCE)):
        known = block[held_out.item[block] < len(candidates)]
        users, own = np.unique(held_out.user[known], return_inverse=True)
        scores = queries[users] @ candidates.T
        own_scores = scores[own, held_out.item[known]]
        for row, user in enumerate(users):
            scores[row, seen.values[seen.row_splits[user] : seen.row_splits[user + 1]]] = -np.inf
        # "Not lower or equal" rather than "higher": a score that is not a number then ranks last, not first.
        higher = np.sum(~(scores[own] <= own_scores[:, np.newaxis]), axis=1)
        equal = np.maximum(np.sum(scores[own] == own_scores[:, np.newaxis], axis=1) - 1, 0)
        ranks = 1 + higher + equal / 2
        gains[known] = 1 / np.log2(1 + ranks)
    return float(np.mean(gains))
