"""The part of the training interactions that models are not fitted to, and that decides when training stops."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recommender.interactions.interactions import Interactions, pairs
from schemas.errors import DataError
from schemas.hashing import seeded_share

_FITTED, _HELD_OUT, _LEFT_OUT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class HoldOut:
    """Training interactions and their division.

    interactions: all of them. side: [n] int8, which part each belongs to; use `fitted` and `held_out`.
    """

    interactions: Interactions
    side: np.ndarray

    @cached_property
    def fitted(self) -> Interactions:
        """What models are fitted to."""
        return self.interactions.take(self.side == _FITTED)

    @cached_property
    def held_out(self) -> Interactions:
        """What models are measured on.

        Raises:
          DataError: there is nothing: all that was not fitted repeats what was.
        """
        if not np.any(self.side == _HELD_OUT):
            raise _too_few(self.side)
        return self.interactions.take(self.side == _HELD_OUT)

    @cached_property
    def not_fitted(self) -> Interactions:
        """All that is not fitted: what is held out, and later repeats of fitted pairs."""
        return self.interactions.take(self.side != _FITTED)

    def held_out_after_another(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions, [n] each, of interactions and of the held-out ones that follow directly, by the same user."""
        rows = np.flatnonzero(self.side != _LEFT_OUT)
        before, after = rows[:-1], rows[1:]
        users = self.interactions.user
        asked = (self.side[after] == _HELD_OUT) & (users[before] == users[after])
        return before[asked], after[asked]


def hold_out(interactions: Interactions, share: float, method: str, seed: int) -> HoldOut:
    """Holds out a share of the training interactions.

    No pair of user and item is in both parts. By time, later repeats of a fitted pair are in neither: what a user
    repeats is no test of what was learned before.

    Args:
      interactions: training interactions.
      share: to hold out, in `(0, 1)`.
      method: `random` holds out (user, item) pairs by a seeded hash; `time` holds out the latest interactions.
      seed: of the hash.

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
        f"{len(side)} training events are too few: they leave {np.sum(side == _FITTED)} to fit and "
        f"{np.sum(side == _HELD_OUT)}, without repeats, to stop by; give more data or another "
        "training.validation_share"
    )
