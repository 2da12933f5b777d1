"""Reads whole CSV files into tables."""

from collections import Counter
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from recommender.sources.columns import Parsed, parse_items, parse_ratings
from recommender.sources.parsing import BLOCK_BYTES, Block, Table, plan_blocks, read_header
from schemas.errors import DataError
from schemas.settings import DataSettings


class Tables(NamedTuple):
    """The usable rows of both files, and the number of rejects by reason.

    ratings: `user`, `item`, `rating`, `timestamp`. items: `item`, `title`, `genres`, `file`, `line`; empty without an
    items file.
    """

    ratings: pd.DataFrame
    items: pd.DataFrame
    rejects: Counter[str]


def read_tables(data: DataSettings) -> Tables:
    """Reads the ratings and items that the settings name.

    Raises:
      DataError: a file cannot be read, lacks a column, or has no usable row or a larger share of
        bad ones than `data.max_reject_share`.
    """
    ratings, rejects = _read(data, "ratings", data.ratings)
    if not data.items:
        none = pd.DataFrame({name: [] for name in ("item", "title", "genres", "file", "line")}, dtype=object)
        return Tables(ratings, none, rejects)
    items, item_rejects = _read(data, "items", data.items)
    return Tables(ratings, items.assign(file=data.items), rejects + item_rejects)


def _read(data: DataSettings, table: Table, name: str) -> tuple[pd.DataFrame, Counter[str]]:
    path = str(data.folder / name)
    parsed = _parse(path, name, data, table)
    rejects = Counter[str]()
    for block in parsed:
        rejects.update(block.reasons)
    rows = pa.concat_tables([block.table for block in parsed]).to_pandas()
    num_rejected = rejects.total()
    if not len(rows) or num_rejected > data.max_reject_share * (len(rows) + num_rejected):
        reasons = ", ".join(f"{count:,} x {reason}" for reason, count in rejects.most_common())
        raise DataError(
            f"{path}: {num_rejected:,} of {len(rows) + num_rejected:,} rows cannot be used, at most a share of "
            f"{data.max_reject_share:g} (data.max_reject_share) is allowed: {reasons}"
        )
    return rows, rejects


def _parse(path: str, name: str, data: DataSettings, table: Table) -> list[Parsed]:
    parse = parse_ratings if table == "ratings" else parse_items
    try:
        with open(path, "rb") as stream:
            header = read_header(stream, path, data, table)
            blocks = [
                Block(path, name, header, *place)
                for place in plan_blocks(stream, header, data.delimiter.replace("auto", ","), BLOCK_BYTES)
            ]
            parsed = []
            for block in blocks:
                stream.seek(block.offset)
                parsed.append(parse(stream.read(block.length), block, data))
            return parsed
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; give the path of an existing file") from error
