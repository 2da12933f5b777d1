"""Reads whole files into tables."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from recommender.sources.blocks import read_file
from recommender.sources.data_files import locate
from recommender.sources.inference import infer
from recommender.sources.layouts import Layout
from recommender.sources.spellings import Spellings
from schemas.errors import DataError
from schemas.settings import DataSettings


class Tables(NamedTuple):
    """The usable rows of all files, and the number of rejects by reason.

    ratings: `user`, `item`, `rating`, `timestamp`, `weight`, `line`, `file`; see `columns.parse_ratings`. items:
    `item`, `title`, `genres`, `file`, `line`; empty without an items file.
    """

    ratings: pa.Table
    items: pd.DataFrame
    rejects: Counter[str]


def read_tables(data: DataSettings) -> Tables:
    """Reads the ratings and items that the settings name.

    Raises:
      DataError: a file cannot be read, something about it cannot be decided, or it has no usable row or a larger share
        of bad ones than `data.max_reject_share`.
    """
    files = locate(data)
    found = infer(files.ratings, data, "ratings", base=files.base)
    ratings, rejects = _read(found.layouts, data)
    names = ["item", "title", "genres", "file", "line"]
    items = pd.DataFrame({name: [] for name in names}, dtype=object)
    if files.items:
        described = infer(files.items, data, "items", found.item_name, files.base)
        table, item_rejects = _read(described.layouts, data)
        items, rejects = table.to_pandas()[names], rejects + item_rejects
    if data.merge_names:
        spellings = Spellings.of(Counter(ratings["item"].to_pylist()))
        shown = pa.array(map(spellings.shown, ratings["item"].to_pylist()), pa.string())
        ratings = ratings.set_column(ratings.column_names.index("item"), "item", shown)
        items = items.assign(item=list(map(spellings.shown, items["item"])))
    return Tables(ratings, items, rejects)


def _read(layouts: Sequence[Layout], data: DataSettings) -> tuple[pa.Table, Counter[str]]:
    parts, rejects = [], Counter[str]()
    for layout in layouts:
        own, num_rows = Counter[str](), 0
        for parsed in read_file(layout, data):
            own.update(parsed.reasons)
            num_rows += len(parsed.table)
            parts.append(parsed.table.append_column("file", pa.array([layout.file] * len(parsed.table), pa.string())))
        if not num_rows or own.total() > data.max_reject_share * (num_rows + own.total()):
            reasons = ", ".join(f"{count:,} x {reason}" for reason, count in own.most_common())
            raise DataError(
                f"{layout.path}: {own.total():,} of {num_rows + own.total():,} rows cannot be used, at most a share of "
                f"{data.max_reject_share:g} (data.max_reject_share) is allowed: {reasons}"
            )
        rejects.update(own)
    return pa.concat_tables(parts), rejects
