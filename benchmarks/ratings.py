"""Reads the ratings and items that a settings file describes, as the pipeline's first step does, into arrays."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from recommender.interactions.inputs import Catalogue, Ragged
from recommender.interactions.release import release_periods
from recommender.sources.catalogue import join_catalogue
from recommender.sources.columns import parse_items, parse_ratings
from recommender.sources.parsing import BLOCK_BYTES, Block, Table, plan_blocks, read_header
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings


class Ratings(NamedTuple):
    """All ratings, a pair of user and item at most once, in the order of the file.

    user, item: [n] int32, indices. rating: [n] float32. timestamp: [n] int64, seconds.
    catalogue: the items of the items file and those rated. rejects: number of unusable rows by reason.
    repeats: number of ratings left out because their user rated the item again later.
    ids, titles: [num_items] of the items.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    catalogue: Catalogue
    rejects: Counter[str]
    repeats: int
    ids: list[str]
    titles: list[str]


def read(data: DataSettings) -> Ratings:
    """Reads the files that the settings name.

    Raises:
      DataError: a file cannot be read, lacks a column or has no usable row.
      SettingsError: a file name holds a placeholder.
    """
    ratings, rejects = _read_table(data, "ratings")
    if not len(ratings):
        raise DataError(f"{data.folder / data.ratings}: no row can be used: {dict(rejects)}")
    if data.items:
        items, item_rejects = _read_table(data, "items")
        rejects += item_rejects
        described = items.to_pandas().assign(file=data.items)
    else:
        described = pd.DataFrame({name: [] for name in ("item", "title", "genres", "file", "line")}, dtype=object)
    table = ratings.to_pandas()
    items = join_catalogue(described, table["item"].value_counts()).items
    latest = _latest(table)
    repeats = len(table) - len(latest)
    user, users = pd.factorize(latest["user"])
    return Ratings(
        user.astype(np.int32),
        pd.Index(items["item"]).get_indexer(latest["item"]).astype(np.int32),
        latest["rating"].to_numpy(np.float32),
        latest["timestamp"].to_numpy(np.int64),
        _describe(items, len(users), data.genre_separator),
        rejects,
        repeats,
        items["item"].tolist(),
        items["title"].tolist(),
    )


def _read_table(data: DataSettings, table: Table) -> tuple[pa.Table, Counter[str]]:
    name, parse = (data.ratings, parse_ratings) if table == "ratings" else (data.items or "", parse_items)
    path = str(data.folder / name)
    if "{" in path:
        raise SettingsError(f"{path}: the benchmark reads one file; give data.{table} without a placeholder")
    tables, rejects = [], Counter[str]()
    try:
        with open(path, "rb") as stream:
            header = read_header(stream, path, data, table)
            for place in list(plan_blocks(stream, header, data.delimiter, BLOCK_BYTES)):
                block = Block(path, name, header, *place)
                stream.seek(block.offset)
                parsed = parse(stream.read(block.length), block, data)
                tables.append(parsed.table)
                rejects.update(parsed.reasons)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; data.folder and data.{table} name it") from error
    return pa.concat_tables(tables), rejects


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """The latest rating of each pair of user and item, of equally late ones the last; the rows stay in order."""
    by_time = table.sort_values("timestamp", kind="stable")
    return by_time.drop_duplicates(["user", "item"], keep="last").sort_index()


def _describe(items: pd.DataFrame, num_users: int, genre_separator: str) -> Catalogue:
    genres, num_genres = _indices([[part for part in text.split(genre_separator) if part] for text in items["genres"]])
    words, num_words = _indices([re.findall(r"[^\W_]+", title.lower()) for title in items["title"]])
    periods, num_periods = release_periods(items["title"])
    return Catalogue(num_users, num_genres, num_words, num_periods, genres, words, periods)


def _indices(rows: list[list[str]]) -> tuple[Ragged, int]:
    """Each row's words as indices, and the number of different words."""
    codes, words = pd.factorize(np.array([word for row in rows for word in row], object))
    return Ragged(codes.astype(np.int32), np.cumsum([0, *map(len, rows)])), len(words)
