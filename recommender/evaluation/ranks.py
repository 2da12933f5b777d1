"""Where an item stands among all that could be shown, and what that is worth; for arrays."""

import numpy as np


def ranks(scores: np.ndarray, items: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """1 + the number of other items scored higher + half of those scored equal.

    The exported model computes the same in its own graph: `recommender.serving.ranks`.

    Args:
      scores: [n, num_items], of all items.
      items: [n] indices of the items that are ranked; an index of `num_items` or more is of an unknown item.
      left_out: [n, num_items] bool, what does not count as another item.

    Returns:
      [n] float64; infinite for an unknown item. A score that is not a number ranks last, and counts as higher than
      the others.
    """
    num_items = scores.shape[1]
    is_known = items < num_items
    places = np.where(is_known, items, 0)[:, np.newaxis]
    own = np.take_along_axis(scores, places, axis=1)
    others = ~left_out
    np.put_along_axis(others, places, False, axis=1)
    # "Not lower or equal" rather than "higher": what is not a number then counts as higher.
    higher = np.count_nonzero(~(scores <= own) & others, axis=1)
    equal = np.count_nonzero((scores == own) & others, axis=1)
    return np.where(is_known, 1 + higher + equal / 2, np.inf)


def gains(ranks: np.ndarray, k: float = np.inf) -> np.ndarray:
    """1 / log2(1 + rank) up to rank `k`, else 0: NDCG@k of lists with one relevant item, whose ideal gain is 1.

    Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002.

    Args:
      ranks: [n], from 1.
      k: the last rank that counts.
    """
    return np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)
