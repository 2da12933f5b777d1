"""Parquet files that are complete or absent."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.whole import whole


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Writes tables as row groups, with one table in memory at a time; replaces a file at `path` only when complete."""
    # Opened here: Arrow takes no path that is not UTF-8, and its errors would name the unfinished file.
    with whole(path) as partial, open(partial, "xb") as file, pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(table)
