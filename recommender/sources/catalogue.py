"""The candidates: every item once."""

from typing import NamedTuple

import pandas as pd


class Catalogue(NamedTuple):
    """The candidates.

    items: `item`, `title`, `genres`, `popularity` (training events), sorted by item. num_repeats: rows that repeat an
    item. missing: the items of the training events that are not in the items file.
    """

    items: pd.DataFrame
    num_repeats: int
    missing: pd.Index


def join_catalogue(described: pd.DataFrame, popularity: pd.Series) -> Catalogue:
    """Joins the items described in files with those of the training events.

    Args:
      described: `item`, `title`, `genres` (strings), `file`, `line`; the first row of an item counts.
      popularity: number of training events by item id, above 0.
    """
    described = described.sort_values(["file", "line"], ignore_index=True)
    is_repeat = described["item"].duplicated()
    described = described[~is_repeat]
    missing = popularity.index.difference(described["item"])
    added = pd.DataFrame({"item": missing, "title": missing, "genres": ""}, dtype=object)
    items = pd.concat([described[["item", "title", "genres"]], added]).sort_values("item", ignore_index=True)
    counts = popularity.reindex(items["item"], fill_value=0).to_numpy("int64")
    return Catalogue(items.assign(popularity=counts), int(is_repeat.sum()), missing)
