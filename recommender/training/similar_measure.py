"""How well vectors of items find what a user chooses and likes in another sitting."""

import numpy as np

from recommender.evaluation.ranks import gains, ranks
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.sittings import sittings
from recommender.models.biases import fit_biases
from recommender.models.similar_items import standard_residuals

_MOST_EVENTS, _ASKED_PER_EVENT, _OTHERS = 5_000, 16, 1_000
_PAIRS_AT_ONCE = 8_192


class AcrossSittings:
    """Gain 1 / log2(1 + rank) of the held-out event of a pair, by similarity, among random held-out events.

    A pair is a held-out and a fitted event of a user in different sittings, since the events of one sitting follow the
    order of a page as much as taste; if there are no such pairs, any fitted event of the user will do. The random
    events are of all users, so that popularity alone does not raise the gain.

    A gain counts 1 + the product of the residuals of both ratings: what a user liked as much should be more similar
    than what they only chose, and items of which they liked only one less. The logarithm makes the first places matter
    most: with the share of events that rank lower, sparse logs would get vectors that are much too narrow.

    users, asked, found: [n] the user of each pair, and the items of its fitted and its held-out event. agreement: [n]
    the product of residuals in standard deviations, 0 without ratings.
    """

    def __init__(self, events: HoldOut, seed: int):
        """Draws pairs and other events.

        Args:
          events: training events.
          seed: seed of the draws.
        """
        generator = np.random.default_rng(seed)
        rows, liking = events.interactions, _liking(events)
        earlier, later = np.flatnonzero(events.is_fitted), np.flatnonzero(events.is_held_out)
        if len(later) > _MOST_EVENTS:
            later = np.sort(generator.choice(later, _MOST_EVENTS, replace=False))
        begins = np.searchsorted(rows.user[earlier], rows.user[later])
        ends = np.searchsorted(rows.user[earlier], rows.user[later], side="right")
        later, begins, ends = (values[ends > begins] for values in (later, begins, ends))
        asked = earlier[generator.integers(begins, ends, (_ASKED_PER_EVENT, len(later)))].ravel()
        found = np.tile(later, _ASKED_PER_EVENT)
        sitting = sittings(rows)
        is_across = sitting[asked] != sitting[found]
        if is_across.any():
            asked, found = asked[is_across], found[is_across]
        self.users, self.asked, self.found = rows.user[found], rows.item[asked], rows.item[found]
        self.agreement = liking[asked] * liking[found]
        self._others = rows.item[generator.choice(later, _OTHERS)] if len(later) else rows.item[later]

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Measures products of the vectors of items, [num_items, width].

        Returns:
          [n], the gain of each pair times 1 + its agreement.
        """
        blocks = [slice(begin, begin + _PAIRS_AT_ONCE) for begin in range(0, len(self.users), _PAIRS_AT_ONCE)]
        found = [self._gains(vectors, rows) for rows in blocks]
        return (1 + self.agreement) * np.concatenate([np.zeros(0), *found])

    def _gains(self, vectors: np.ndarray, rows: slice) -> np.ndarray:
        asked, found = self.asked[rows], self.found[rows]
        own = np.sum(vectors[asked] * vectors[found], axis=1, keepdims=True)
        scores = np.concatenate([own, vectors[asked] @ vectors[self._others].T], axis=1)
        is_same = (self._others == asked[:, np.newaxis]) | (self._others == found[:, np.newaxis])
        left_out = np.concatenate([np.zeros_like(own, bool), is_same], axis=1)
        return gains(ranks(scores, np.zeros(len(scores), np.int64), left_out))


def _liking(events: HoldOut) -> np.ndarray:
    """Returns the residual of each event's rating from biases of the fitted events, [n]; 0 if none has a rating."""
    fitted, everything = events.fitted.rated, events.interactions
    if not len(fitted):
        return np.zeros(len(everything))
    biases = fit_biases(fitted.user, fitted.item, fitted.rating, fitted.num_users, fitted.num_items)
    return standard_residuals(everything, biases)
