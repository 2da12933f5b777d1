"""Reads a data set from files."""

import logging
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.dataset import Dataset
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.interactions.repeats import settle
from recommender.interactions.titles import title_words
from recommender.sources.catalogue import join_catalogue
from recommender.sources.data_files import as_settings
from recommender.sources.tables import read_tables
from schemas.settings import DataSettings, FeatureSettings, check

_LOG = logging.getLogger("atalaya")


def read_csv(ratings: str, items: str = "", **data: Any) -> Dataset:
    """Reads interactions and the content of the items.

    CSV of any kind, Parquet and JSON lines are read; how a file is written is detected. Rows that cannot be used are
    counted in the log; more than `max_reject_share` of them are an error.

    Args:
      ratings: path of a file with a user and an item in each row, and perhaps a rating, a time and a type of event; or
        a pattern.
      items: path of a file with an item's id, title and genres; if empty, items have no content but their ids.
      data: further settings of the section `[data]`, such as `delimiter`, or `columns` for other column names.

    Raises:
      DataError: a file cannot be read, its columns cannot be recognised, or it has too many bad rows.
      SettingsError: a key of `data` is unknown or has a value that is not allowed.
    """
    tree = {"name": "library", "data": {**as_settings([ratings], items or None), **data}}
    settings = check(tree, "read_csv").data
    tables = read_tables(settings)
    for reason, count in tables.rejects.items():
        _LOG.warning("%d rows are left out: %s", count, reason)
    return _dataset(tables.ratings, tables.items, settings)


def _dataset(events: pa.Table, described: pd.DataFrame, data: DataSettings) -> Dataset:
    columns = events.drop(["file", "line"]).to_pandas()
    user, users = pd.factorize(columns["user"], sort=True)
    items = join_catalogue(described, columns["item"].value_counts()).items
    interactions = Interactions.of(
        user=user,
        item=pd.Index(items["item"]).get_indexer(columns["item"]),
        rating=columns["rating"].to_numpy(np.float64),
        timestamp=columns["timestamp"].to_numpy(np.float64),
        num_users=len(users),
        num_items=len(items),
        weight=columns["weight"].to_numpy(),
    )
    genre_separator = data.genre_separator
    names_of_items = [
        [name.strip() for name in text.split(genre_separator) if name.strip()] for text in items["genres"]
    ]
    genre_rows, genres = _indices(names_of_items)
    word_rows, words = _indices([title_words(title) for title in items["title"]], FeatureSettings().title_words)
    catalogue = Catalogue.of(
        num_users=len(users),
        titles=items["title"].tolist(),
        genres=genre_rows,
        num_genres=len(genres),
        title_words=word_rows,
        num_title_words=len(words),
    )
    return Dataset(
        interactions=settle(interactions, data.repeats),
        catalogue=catalogue,
        users=[user.encode() for user in users],
        items=[item.encode() for item in items["item"]],
        genres=[genre.encode() for genre in genres],
        titles=np.array([title.encode() for title in items["title"]], object),
    )


def _indices(rows: list[list[str]], most: int | None = None) -> tuple[Ragged, list[str]]:
    """Returns each row's words as indices, and the `most` frequent words; all others have the index after the last."""
    words = [word for word, _ in Counter(word for row in rows for word in row).most_common(most)]
    index = {word: number for number, word in enumerate(words)}
    return Ragged.of([[index.get(word, len(words)) for word in row] for row in rows]), words
