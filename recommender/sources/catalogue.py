"""The candidates: every item once."""

from typing import NamedTuple

import pandas as pd

from recommender.sources.columns import Reject


class Catalogue(NamedTuple):
    """The candidates, and problems with their descriptions.

    items: `item`, `title`, `genres`, `popularity` (training events), sorted by item. repeats: rows that repeat an item.
    num_missing: number of items of the training ratings that are not in the items file.
    """

    items: pd.DataFrame
    repeats: list[Reject]
    num_missing: int


def join_catalogue(described: pd.DataFrame, popularity: pd.Series) -> Catalogue:
    """Joins the items described in files with those of the training ratings.

    Args:
      described: `item`, `title`, `genres` (strings), `file`, `line`; the first row of an item counts.
      popularity: number of training events by item id, above 0.
    """
    described = described.sort_values(["file", "line"], ignore_index=True)
    repeated = described["item"].duplicated()
    repeats = [
        Reject(row.file, int(row.line), "item is repeated; the first row counts", row.item)
        for row in described[repeated].itertuples()
    ]
    described = described[~repeated]
    missing = popularity.index.difference(described["item"])
    added = pd.DataFrame({"item": missing, "title": missing, "genres": ""}, dtype=object)
    items = pd.concat([described[["item", "title", "genres"]], added]).sort_values("item", ignore_index=True)
    counts = popularity.reindex(items["item"], fill_value=0).to_numpy("int64")
    return Catalogue(items.assign(popularity=counts), repeats, len(missing))
