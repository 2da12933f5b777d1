"""Ranks of items among all that could be shown, and gains of ranks, for numpy arrays."""

import numpy as np


def ranks(scores: np.ndarray, items: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Returns ranks: 1 + the number of other items scored higher + half the number of those scored equal.

    Args:
      scores: [n, num_items], the scores of all items.
      items: [n] indices of the items that are ranked; `num_items` or more means an unknown item.
      left_out: [n, num_items] bool, items that do not count as other items.

    Returns:
      [n] float64; infinite for an unknown item. An item with the score NaN ranks last; as another item, it counts as
      scored higher.
    """
    num_items = scores.shape[1]
    is_known = items < num_items
    places = np.where(is_known, items, 0)[:, np.newaxis]
    own = np.take_along_axis(scores, places, axis=1)
    others = ~left_out
    np.put_along_axis(others, places, False, axis=1)
    # "Not lower or equal" rather than "higher", so that NaN counts as higher.
    higher = np.count_nonzero(~(scores <= own) & others, axis=1)
    equal = np.count_nonzero((scores == own) & others, axis=1)
    return np.where(is_known, 1 + higher + equal / 2, np.inf)


def gains(ranks: np.ndarray, k: float = np.inf) -> np.ndarray:
    """Returns 1 / log2(1 + rank) up to rank `k`, else 0: NDCG@k with one relevant item, whose ideal gain is 1.

    Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002.

    Args:
      ranks: [n], from 1.
      k: the last rank that counts.
    """
    return np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)
