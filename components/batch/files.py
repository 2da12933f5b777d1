"""Parquet files that are complete or absent."""

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

PARTIAL = ".partial-"
"""Prefix of an unfinished file's name; readers of a Parquet folder skip names that start with a dot."""


def write_parquet(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    """Writes tables as row groups, one in memory at a time; a file at `path` is replaced when all are written."""
    # A unique name, since Beam may run the same work twice at the same time.
    partial = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}-{path.name}")
    try:
        with open(partial, "xb") as file:
            with pq.ParquetWriter(file, schema) as writer:
                for table in tables:
                    writer.write_table(table)
            # To disk before the rename is visible, so that a power cut leaves no empty file under the final name.
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
