"""The hold-out: training interactions that models are not fitted to, and that decide when training stops."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recommender.interactions.interactions import NO_TIME, Interactions, pairs
from schemas.errors import DataError
from schemas.hashing import seeded_share

_FITTED, _HELD_OUT, _LEFT_OUT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class HoldOut:
    """Training interactions, divided into fitted and held-out ones.

    interactions: all of them. side: [n] int8, the part of each; use `fitted` and `held_out`.
    """

    interactions: Interactions
    side: np.ndarray

    @property
    def is_fitted(self) -> np.ndarray:
        """[n] bool, whether models are fitted to the interaction."""
        return self.side == _FITTED

    @property
    def is_held_out(self) -> np.ndarray:
        """[n] bool, whether models are measured on the interaction."""
        return self.side == _HELD_OUT

    @property
    def fitted(self) -> Interactions:
        """The interactions that models are fitted to; each use makes a copy, which is not kept."""
        return self.interactions.take(self.is_fitted)

    @cached_property
    def held_out(self) -> Interactions:
        """The interactions that models are measured on."""
        return self.interactions.take(self.is_held_out)

    @cached_property
    def not_fitted(self) -> Interactions:
        """All interactions that are not fitted: the held-out ones, and later repeats."""
        return self.interactions.take(self.side != _FITTED)

    @cached_property
    def rated(self) -> "HoldOut":
        """The interactions with a rating, divided in the same way."""
        if self.interactions.rated is self.interactions:
            return self
        return HoldOut(self.interactions.rated, self.side[~np.isnan(self.interactions.rating)])


def hold_out(interactions: Interactions, share: float, method: str, seed: int) -> HoldOut:
    """Holds out a share of the training interactions.

    No pair of user and item is in both parts, and each is held out once, by its first interaction. With `time`, later
    repeats of a fitted pair are in neither part: they do not test what was learned. If there is nothing to hold out by
    the method, pairs are held out at random instead. Interactions without a time count as earlier than all others.

    Args:
      interactions: training interactions.
      share: share to hold out, in `(0, 1)`.
      method: `random` holds out (user, item) pairs by a seeded hash; `time` holds out the latest interactions; `last`
        holds out each user's last interaction, whatever the share, unless it repeats a pair or is the user's only one.
      seed: seed of the hash.

    Raises:
      DataError: there are fewer than two pairs, or the method is `time` and no interaction has a time.
    """
    pair = pairs(interactions.user, interactions.item)
    if len(pair) and method == "time" and not interactions.has_times:
        raise DataError(
            f"a split by time needs times, and none of the {len(pair)} events has one; "
            'set split.method to "random" or "last", or data.columns.timestamp to the column of the times'
        )
    if method == "last":
        side = _last(interactions, pair)
    else:
        side = _late(interactions, pair, share) if method == "time" else _drawn(pair, share, seed)
    if not np.any(side == _HELD_OUT):
        side = _drawn(pair, share, seed)
    held_out = np.flatnonzero(side == _HELD_OUT)
    first = np.unique(pair[held_out], return_index=True)[1]
    side[np.delete(held_out, first)] = _LEFT_OUT
    if not np.any(side == _FITTED):
        raise DataError(
            f"{len(pair)} training events of {len(first)} pairs of user and item are too few: expected at least one "
            "pair to fit and one to hold out; provide more data or change training.validation_share"
        )
    return HoldOut(interactions, side)


def _late(interactions: Interactions, pair: np.ndarray, share: float) -> np.ndarray:
    """Returns the part of each interaction, [n] int8: the latest are held out unless their pair, [n], is fitted."""
    side = np.full(len(pair), _FITTED, np.int8)
    num_fitted = max(1, min(len(pair) - round(len(pair) * share), len(pair) - 1))
    times = np.where(interactions.is_timed, interactions.timestamp, NO_TIME)
    late = np.argsort(times, kind="stable")[num_fitted:]
    late = late[interactions.is_timed[late]]
    is_fitted = np.ones(len(pair), bool)
    is_fitted[late] = False
    side[late] = np.where(np.isin(pair[late], pair[is_fitted]), _LEFT_OUT, _HELD_OUT)
    return side


def _last(interactions: Interactions, pair: np.ndarray) -> np.ndarray:
    """Returns the part of each interaction, [n] int8: each user's last is held out, unless it repeats a pair, [n]."""
    side = np.full(len(pair), _FITTED, np.int8)
    splits = interactions.row_splits
    last = splits[1:][np.diff(splits) > 1] - 1
    side[last[~np.isin(pair[last], np.delete(pair, last))]] = _HELD_OUT
    return side


def _drawn(pair: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Returns the part of each interaction, [n] int8: of the pairs, [n], a share, and at least one, is held out."""
    places = seeded_share(pair, seed)
    lowest, highest = places.min(initial=1.0), places.max(initial=0.0)  # of several pairs, one is fitted
    return np.where((places < share) & (places < highest) | (places == lowest), _HELD_OUT, _FITTED).astype(np.int8)
