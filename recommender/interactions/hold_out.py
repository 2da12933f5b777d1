"""The hold-out: training interactions that models are not fitted to, and that decide when training stops."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recommender.interactions.interactions import Interactions, pairs
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

    @cached_property
    def fitted(self) -> Interactions:
        """The interactions that models are fitted to."""
        return self.interactions.take(self.side == _FITTED)

    @cached_property
    def held_out(self) -> Interactions:
        """The interactions that models are measured on.

        Raises:
          DataError: there are none: all that are not fitted repeat fitted pairs.
        """
        if not np.any(self.side == _HELD_OUT):
            raise _too_few(self.side)
        return self.interactions.take(self.side == _HELD_OUT)

    @cached_property
    def not_fitted(self) -> Interactions:
        """All interactions that are not fitted: the held-out ones, and later repeats of fitted pairs."""
        return self.interactions.take(self.side != _FITTED)

    def held_out_after_another(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns positions, [n] each, of interactions and of the same user's held-out ones that directly follow."""
        rows = np.flatnonzero(self.side != _LEFT_OUT)
        before, after = rows[:-1], rows[1:]
        users = self.interactions.user
        asked = (self.side[after] == _HELD_OUT) & (users[before] == users[after])
        return before[asked], after[asked]


def hold_out(interactions: Interactions, share: float, method: str, seed: int) -> HoldOut:
    """Holds out a share of the training interactions.

    No pair of user and item is in both parts. With `time`, later repeats of a fitted pair are in neither: they do not
    test what was learned.

    Args:
      interactions: training interactions.
      share: share to hold out, in `(0, 1)`.
      method: `random` holds out (user, item) pairs by a seeded hash; `time` holds out the latest interactions.
      seed: seed of the hash.

    Raises:
      DataError: nothing is left to fit.
    """
    pair = pairs(interactions.user, interactions.item)
    side = np.full(len(pair), _FITTED, np.int8)
    if method == "time":
        num_fitted = min(len(pair) - round(len(pair) * share), len(pair) - 1)
        late = np.argsort(interactions.timestamp, kind="stable")[num_fitted:]
        is_fitted = np.ones(len(pair), bool)
        is_fitted[late] = False
        side[late] = np.where(np.isin(pair[late], pair[is_fitted]), _LEFT_OUT, _HELD_OUT)
    elif len(pair):
        places = seeded_share(pair, seed)
        side[(places < share) | (places == places.min())] = _HELD_OUT
    if not np.any(side == _FITTED):
        raise _too_few(side)
    return HoldOut(interactions, side)


def _too_few(side: np.ndarray) -> DataError:
    return DataError(
        f"{len(side)} training events are too few: expected at least one to fit and one to hold out, got "
        f"{np.sum(side == _FITTED)} and {np.sum(side == _HELD_OUT)} (without repeats); provide more data or change "
        "training.validation_share"
    )
