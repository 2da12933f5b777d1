"""Reads the ratings and items given by a settings file into arrays, like the pipeline's first step."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.interactions.titles import title_words
from recommender.sources.catalogue import join_catalogue
from recommender.sources.tables import read_tables
from schemas.errors import SettingsError
from schemas.settings import DataSettings


class Ratings(NamedTuple):
    """All ratings, with at most one for each pair of user and item, in the order of the file.

    user, item: [n] int32 indices. rating: [n] float32. timestamp: [n] int64, seconds since 1970-01-01 UTC.
    catalogue: the items in the items file and all rated items. rejects: number of unusable rows for each reason.
    repeats: number of ratings that were dropped because the user rated the item again later. ids, titles: [num_items].
    genres: the names of each item's genres.
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
    genres: list[list[str]]


def read(data: DataSettings) -> Ratings:
    """Reads the files given by the settings.

    Raises:
      DataError: a file cannot be read, lacks a column or has no usable row.
      SettingsError: a file name has a placeholder.
    """
    for name in (*data.ratings_patterns, data.items or ""):
        if "{" in name:
            raise SettingsError(
                f"{name}: expected the name of one file without a placeholder, since the benchmark reads a single file"
            )
    rows, described, rejects = read_tables(data)
    table = rows.to_pandas()
    items = join_catalogue(described, table["item"].value_counts()).items
    latest = _latest(table)
    repeats = len(table) - len(latest)
    user, users = pd.factorize(latest["user"])
    genres = [[name for name in text.split(data.genre_separator) if name] for text in items["genres"]]
    return Ratings(
        user.astype(np.int32),
        pd.Index(items["item"]).get_indexer(latest["item"]).astype(np.int32),
        latest["rating"].to_numpy(np.float32),
        latest["timestamp"].to_numpy(np.int64),
        _describe(items, len(users), genres),
        rejects,
        repeats,
        items["item"].tolist(),
        items["title"].tolist(),
        genres,
    )


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """Keeps the latest rating of each pair of user and item (the last row if tied); the rows keep their order."""
    by_time = table.sort_values("timestamp", kind="stable")
    return by_time.drop_duplicates(["user", "item"], keep="last").sort_index()


def _describe(items: pd.DataFrame, num_users: int, genres: list[list[str]]) -> Catalogue:
    numbers, num_genres = _indices(genres)
    words, num_words = _indices([title_words(title) for title in items["title"]])
    return Catalogue.of(num_users, items["title"].tolist(), numbers, num_genres, words, num_words)


def _indices(rows: list[list[str]]) -> tuple[Ragged, int]:
    """Returns the words of each row as indices, and the number of different words."""
    codes, words = pd.factorize(np.array([word for row in rows for word in row], object))
    return Ragged(codes.astype(np.int32), np.cumsum([0, *map(len, rows)])), len(words)
