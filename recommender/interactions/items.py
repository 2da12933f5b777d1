"""The catalogue and raw events with numbers of their own for items, genres and title words, for on-device models."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from recommender.interactions.examples import INTEGER, NUMBER, OPTIONAL_TEXT, TEXT, TEXTS, read_columns
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.interactions.titles import title_words, without_year
from schemas import signatures as names

PADDING = 0


class Items(NamedTuple):
    """The catalogue; item number i is row i - 1, the most popular in training first.

    ids, titles: strings. genres: the names of each. popularity: [num_items] int64, training events.
    values: by feature, a row of int32 numbers from 1 for each item, row 0 for padding, which is empty; of `item` the
    number itself. vocabularies: of `genre` and `title_word`, the words by number - 1.
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
      DataError: there are none.
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
    """Numbers what describes the items; see `Items`."""
    values = {"item": Ragged.of([[], *([number] for number in range(1, len(ids) + 1))])}
    vocabularies = {}
    words = [title_words(without_year(title)) for title in titles]
    for name, rows in (("genre", genres), ("title_word", words)):
        vocabularies[name] = _vocabulary(rows)
        numbers = {word: number for number, word in enumerate(vocabularies[name], 1)}
        values[name] = Ragged.of([[], *([numbers[word] for word in row] for row in rows)])
    return Items(ids, titles, genres, popularity, values, vocabularies)


def read_events(split: str, items: Items, users: dict[bytes, int]) -> Interactions:
    """Reads rating examples in a folder.

    Args:
      split: folder.
      items: an event's item is its number there, `PADDING` if it has none.
      users: the users' numbers; new ones are added.

    Raises:
      DataError: there are none.
    """
    spec = {names.USER_ID: TEXT, names.ITEM_ID: TEXT, names.RATING: NUMBER, names.TIMESTAMP: INTEGER}
    columns = read_columns([f"{split}/*"], spec)
    # By id, since the examples' order depends on that of the files.
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
    )


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _vocabulary(rows: Iterable[list[str]]) -> list[str]:
    """Words by how many items have them, equal ones by the alphabet."""
    counts = Counter(word for row in rows for word in set(row))
    return sorted(counts, key=lambda word: (-counts[word], word))
