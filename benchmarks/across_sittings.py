"""How well similar items agree with what users choose and like in another sitting, the same for every contender."""

import numpy as np

from benchmarks.events import Events
from benchmarks.protocols import Data
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import pairs
from recommender.training.similar_measure import AcrossSittings


def measure(scores: np.ndarray, data: Data, seed: int = 0) -> dict[str, float]:
    """Measures the pairs of `AcrossSittings`, of a training and a test event of one user in different sittings.

    Args:
      scores: [num_items, num_items], the similarity of the column's item to the row's.
      data: training and test events.
      seed: seed of the draw of pairs.

    Returns:
      `across`: the mean share of the test events that are less similar than the one of the pair; about a half if the
      list is the same for all items. `agreement`: the correlation of this share with the product of both ratings'
      residuals from biases.
    """
    num_users, num_items = data.catalogue.num_users, data.catalogue.num_items
    columns = [np.concatenate(both) for both in zip(data.train[:4], data.test[:4], strict=True)]
    events = Events(*columns).sorted(num_users, num_items)
    is_test = np.isin(pairs(events.user, events.item), pairs(data.test.user, data.test.item))
    drawn = AcrossSittings(HoldOut(events, is_test.astype(np.int8)), seed)
    below = shares_below(scores, np.bincount(data.test.item, minlength=num_items))[drawn.asked, drawn.found]
    return {"across": float(np.mean(below)), "agreement": float(np.corrcoef(below, drawn.agreement)[0, 1])}


def shares_below(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the share of events with a lower score than each item's, plus half of those with an equal one.

    Args:
      scores: [num_items, num_items].
      counts: [num_items] number of events of each item; those of the row's item are left out.

    Returns:
      [num_items, num_items].
    """
    shares = np.empty(scores.shape)
    for item, row in enumerate(scores):
        others = np.where(np.arange(len(row)) == item, 0, counts)
        _, group = np.unique(row, return_inverse=True)
        events = np.bincount(group, others)
        shares[item] = ((np.cumsum(events) - events / 2) / max(1, others.sum()))[group]
    return shares
