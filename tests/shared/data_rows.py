"""Data files of a few rows, and what is read from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from recommender.sources.blocks import read_file
from recommender.sources.inference import Inferred, infer
from recommender.sources.layouts import Layout, Table
from recommender.sources.rows import Parsed
from schemas.settings import DataSettings


def data_settings(**data: Any) -> DataSettings:
    """Settings of data in a folder that is not looked at."""
    return DataSettings.model_validate({"folder": "data", **data})


def written(folder: Path, content: str | bytes, name: str = "ratings.csv") -> str:
    """Writes a file as it is given; returns its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def inferred(paths: str | Sequence[str], table: Table = "ratings", **data: Any) -> Inferred:
    """How files are read."""
    return infer([paths] if isinstance(paths, str) else paths, data_settings(**data), table)


def layout_of(path: str, table: Table = "ratings", **data: Any) -> Layout:
    """How a file is read."""
    [layout] = inferred(path, table, **data).layouts
    return layout


def parts_of(path: str, table: Table = "ratings", **data: Any) -> list[Parsed]:
    """The rows of a file, in the parts in which they are read."""
    return list(read_file(layout_of(path, table, **data), data_settings(**data)))


def table_of(path: str, table: Table = "ratings", **data: Any) -> pa.Table:
    """The usable rows of a file."""
    return pa.concat_tables(part.table for part in parts_of(path, table, **data))


def rows_of(path: str, *roles: str, table: Table = "ratings", **data: Any) -> list[tuple[Any, ...]]:
    """Columns of the usable rows of a file."""
    found = table_of(path, table, **data)
    return list(zip(*(found[role].to_pylist() for role in roles), strict=True))
