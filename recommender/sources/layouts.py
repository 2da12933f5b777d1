"""How a file is read: what was detected, or was set."""

from typing import Literal, NamedTuple

from recommender.sources.content import Compression, Format
from recommender.sources.numbers import Mark
from recommender.sources.records import Dialect

Table = Literal["ratings", "items"]
ROLES: dict[Table, tuple[str, ...]] = {
    "ratings": ("user", "item", "rating", "timestamp", "event"),
    "items": ("item", "title", "genres"),
}


class Layout(NamedTuple):
    """How a file is read.

    path: of the file. file: its name in reports. table: what it holds. dialect: of CSV records. header: the names of
    the columns, or None. start: bytes before the first row, in UTF-8 if the file can only be read from its beginning.
    line: number of the first row's line, from 1. columns: column number, from 0, by role. texts: of JSON lines, the
    columns that hold texts. decimal: mark in ratings. timestamp_format: as in the settings, but never `auto`.
    placeholders: days since 1970 that mean that no time is known. counts: whether the rating column holds numbers of
    events. optional: roles, `rating` and `timestamp`, of which so many rows have no value that these rows are kept.
    """

    path: str
    file: str
    table: Table
    format: Format
    compression: Compression | None
    encoding: str
    dialect: Dialect
    header: tuple[str, ...] | None
    start: int
    line: int
    columns: dict[str, int]
    texts: frozenset[int] = frozenset()
    decimal: Mark = "."
    timestamp_format: str = "unix"
    placeholders: frozenset[int] = frozenset()
    counts: bool = False
    optional: frozenset[str] = frozenset()

    def column(self, role: str) -> str | int:
        """Returns the name of a role's column, or its number, from 1, without a header."""
        position = self.columns[role]
        return self.header[position] if self.header else position + 1
