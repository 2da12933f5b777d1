"""The catalogue and events of on-device models, with their numbering of items, genres and title words."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from recommender.interactions.examples import EVENT, INTEGER, OPTIONAL_TEXT, TEXT, TEXTS, read_columns
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.interactions.titles import title_words, without_year
from schemas import signatures as names

PADDING = 0


class Items(NamedTuple):
    """The catalogue; item number i is row i - 1, the most popular in training first.

    ids, titles: strings. genres: the names of each item's genres. popularity: [num_items] int64, training events.
    values: by feature, rows of int32 numbers from 1; row 0, for padding, is empty, and row i belongs to item number i
    (for `item`, it is that number). vocabularies: for `genre` and `title_word`, the words by number - 1.
    """

    ids: list[str]
    titles: list[str]
    genres: list[list[str]]
    popularity: np.ndarray
    values: dict[str, Ragged]
    vocabularies: dict[str, list[str]]


def read_items(split: str) -> Items:
    """Reads the catalogue's examples in a folder.

    Raises:
      DataError: there are no examples.
    """
    spec = {names.ITEM_ID: TEXT, names.TITLE: OPTIONAL_TEXT, names.GENRES: TEXTS, names.POPULARITY: INTEGER}
    columns = read_columns([f"{split}/*"], spec)
    ids, titles, popularity = columns[names.ITEM_ID], columns[names.TITLE], columns[names.POPULARITY]
    order = np.lexsort((ids, -popularity))
    genres, splits = columns[names.GENRES]
    return describe(
        [_text(ids[row]) for row in order],
        [_text(titles[row]) for row in order],
        [[_text(name) for name in genres[splits[row] : splits[row + 1]]] for row in order],
        popularity[order],
    )


def describe(ids: list[str], titles: list[str], genres: list[list[str]], popularity: np.ndarray) -> Items:
    """Numbers the genres and title words of the items; see `Items`."""
    values = {"item": Ragged.of([[], *([number] for number in range(1, len(ids) + 1))])}
    vocabularies = {}
    words = [title_words(without_year(title)) for title in titles]
    for name, rows in (("genre", genres), ("title_word", words)):
        vocabularies[name] = _vocabulary(rows)
        numbers = {word: number for number, word in enumerate(vocabularies[name], 1)}
        values[name] = Ragged.of([[], *([numbers[word] for word in row] for row in rows)])
    return Items(ids, titles, genres, popularity, values, vocabularies)


def read_events(split: str, items: Items, users: dict[bytes, int]) -> Interactions:
    """Reads the rating examples in a folder.

    Args:
      split: the folder.
      items: the catalogue, which numbers the events' items; `PADDING` stands for items that it does not have.
      users: the users' numbers by id; new users are added.

    Raises:
      DataError: there are no examples.
    """
    columns = read_columns([f"{split}/*"], {names.USER_ID: TEXT, names.ITEM_ID: TEXT, **EVENT})
    # Sorted by id, since the order of the examples depends on that of the files.
    for user in np.unique(columns[names.USER_ID]):
        users.setdefault(user, len(users))
    numbers = {item.encode(errors="surrogateescape"): number for number, item in enumerate(items.ids, 1)}
    return Interactions.of(
        user=np.array([users[user] for user in columns[names.USER_ID]], np.int32),
        item=np.array([numbers.get(item, PADDING) for item in columns[names.ITEM_ID]], np.int32),
        rating=columns[names.RATING],
        timestamp=columns[names.TIMESTAMP],
        num_users=len(users),
        num_items=len(items.ids) + 1,
        weight=columns[names.WEIGHT],
        position=columns[names.POSITION],
    )


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _vocabulary(rows: Iterable[list[str]]) -> list[str]:
    """Returns the words, those of the most items first, ties in alphabetical order."""
    counts = Counter(word for row in rows for word in set(row))
    return sorted(counts, key=lambda word: (-counts[word], word))
