"""How recommendations are spread over the catalogue."""

import numpy as np

FIRST = 10
"""Number of items of each list that count as shown."""


def concentration(lists: np.ndarray, popularity: np.ndarray) -> dict[str, float]:
    """Measures the first ten items of all lists.

    Args:
      lists: [n, k] items, the best first; `num_items` or more is padding.
      popularity: [num_items] number of training events of each item.

    Returns:
      `coverage_at_10`: share of the catalogue that is in any list. `gini_at_10`: Gini coefficient of how often items
      are shown, 0 if all equally often, near 1 if always the same few (Fleder and Hosanagar, "Blockbuster culture's
      next rise or fall", 2009). `top_item_share`: share of the lists that contain the most shown item.
      `mean_popularity`: mean number of training events over shown items. All are NaN if nothing is shown.
    """
    num_items = len(popularity)
    shown = lists[:, :FIRST]
    times = np.bincount(shown[shown < num_items], minlength=num_items).astype(np.float64)
    total = times.sum()
    if not total:
        return dict.fromkeys(("coverage_at_10", "gini_at_10", "top_item_share", "mean_popularity"), float("nan"))
    places = 2 * np.arange(1, num_items + 1) - num_items - 1
    return {
        "coverage_at_10": float(np.mean(times > 0)),
        "gini_at_10": float(np.sum(places * np.sort(times)) / (num_items * total)),
        "top_item_share": float(times.max() / len(lists)),
        "mean_popularity": float(np.sum(times * popularity) / total),
    }
