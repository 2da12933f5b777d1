"""Reads events and items from files into arrays: logs, like the pipeline's first step, and lists of items by user."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.item_lists import read_lists
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import NO_TIME
from recommender.interactions.ragged import Ragged
from recommender.interactions.titles import title_words
from recommender.sources.catalogue import join_catalogue
from recommender.sources.tables import read_tables
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings


class Ratings(NamedTuple):
    """All events, with at most one for each pair of user and item, in the order of the file.

    user, item: [n] int32 indices. rating: [n] float32, NaN where there is none. timestamp: [n] int64, seconds since
    1970-01-01 UTC, `NO_TIME` where there is none. catalogue: the items in the items file and those of all events.
    rejects: number of unusable rows for each reason. repeats: number of events that were dropped since the user has the
    item again later. ids, titles: [num_items]. position: [n], the place of each event among those of its user, in data
    without times; else None. is_test: [n] bool, whether the event is in a file for the test. genres: the names of each
    item's genres.
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
    position: np.ndarray | None
    is_test: np.ndarray
    genres: list[list[str]]


def read(data: DataSettings, test: Collection[str] = ()) -> Ratings:
    """Reads the files given by the settings.

    Args:
      data: where the log and its items are, and how to read them.
      test: names, below `data.folder`, of the files of the log that are the test.

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
    table = table.assign(is_test=table["file"].isin(list(test)))
    return _number(table, described, rejects, data.genre_separator)


def read_files_of_lists(train: Sequence[Path], test: Sequence[Path]) -> Ratings:
    """Reads lists of items by user, which have neither ratings nor times; see `item_lists.read_lists`.

    Raises:
      DataError: a file has no list.
    """
    parts = []
    for paths, is_test in ((train, False), (test, True)):
        lists = read_lists(paths)
        if paths and not lists:
            raise DataError(f"{', '.join(map(str, paths))}: expected lines `user item item ...`, got none")
        pairs = [(user, item) for user, items in lists.items() for item in items]
        parts.append(pd.DataFrame(pairs, columns=["user", "item"], dtype=object).assign(is_test=is_test))
    table = pd.concat(parts, ignore_index=True).assign(rating=np.nan, timestamp=NO_TIME)
    described = pd.DataFrame({name: [] for name in ("item", "title", "genres", "file", "line")}, dtype=object)
    ratings = _number(table, described, Counter(), "|")
    nothing = Ragged(np.array([], np.int32), np.zeros(ratings.catalogue.num_items + 1, np.int64))
    return ratings._replace(catalogue=Catalogue(ratings.catalogue.num_users, 0, 0, 0, nothing, nothing, nothing))


def _number(table: pd.DataFrame, described: pd.DataFrame, rejects: Counter[str], genre_separator: str) -> Ratings:
    """Numbers the users and items of a table with `user`, `item`, `rating`, `timestamp` and `is_test`."""
    table = table.assign(timestamp=table["timestamp"].fillna(NO_TIME).astype(np.int64))
    items = join_catalogue(described, table["item"].value_counts()).items
    latest = _latest(table)
    user, users = pd.factorize(latest["user"])
    genres = [[name for name in text.split(genre_separator) if name] for text in items["genres"]]
    has_times = (latest["timestamp"] != NO_TIME).any()
    return Ratings(
        user.astype(np.int32),
        pd.Index(items["item"]).get_indexer(latest["item"]).astype(np.int32),
        latest["rating"].to_numpy(np.float32),
        latest["timestamp"].to_numpy(np.int64),
        _describe(items, len(users), genres),
        rejects,
        len(table) - len(latest),
        items["item"].tolist(),
        items["title"].tolist(),
        None if has_times else latest.groupby(user).cumcount().to_numpy(),
        latest["is_test"].to_numpy(bool),
        genres,
    )


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """Keeps the latest event of each pair of user and item (the last row if tied); the rows keep their order.

    Of a pair in training and in the test, the test keeps nothing, since lists leave out what a user had in training.
    """
    by_time = table.sort_values("timestamp", kind="stable").sort_values("is_test", ascending=False, kind="stable")
    return by_time.drop_duplicates(["user", "item"], keep="last").sort_index()


def _describe(items: pd.DataFrame, num_users: int, genres: list[list[str]]) -> Catalogue:
    numbers, num_genres = _indices(genres)
    words, num_words = _indices([title_words(title) for title in items["title"]])
    return Catalogue.of(num_users, items["title"].tolist(), numbers, num_genres, words, num_words)


def _indices(rows: list[list[str]]) -> tuple[Ragged, int]:
    """Returns the words of each row as indices, and the number of different words."""
    codes, words = pd.factorize(np.array([word for row in rows for word in row], object))
    return Ragged(codes.astype(np.int32), np.cumsum([0, *map(len, rows)])), len(words)
