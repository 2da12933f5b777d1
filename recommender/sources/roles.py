"""Which column is what, by the settings, the columns' names and their content."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from recommender.sources.layouts import ROLES, Table
from recommender.sources.names import KNOWN, normalized, rank
from recommender.sources.numbers import is_number
from recommender.sources.times import find_format
from schemas.errors import DataError
from schemas.settings import DataSettings

_MOST_EVENT_TYPES = 20
_MOST_RATING_VALUES = 101
"""Of a column without a known name: 0 to 10 in steps of a tenth."""
_AMAZON_ITEM = re.compile(r"B0[0-9A-Z]{8}|\d{9}[\dX]")
_AMAZON_USER = re.compile(r"A[0-9A-Z]{9,20}")
_SHOWN_ROWS = 3
_SHOWN = 40
_SHOWN_OF_ROW = 400


class Sample(NamedTuple):
    """The beginning of a file. header: names, or None. rows: fields as text, "" where there is none."""

    path: str
    header: tuple[str, ...] | None
    rows: list[list[str]]

    def column(self, position: int) -> list[str]:
        """Returns the values of a column that are not empty."""
        return [row[position] for row in self.rows if len(row) > position and row[position]]


class Roles(NamedTuple):
    """columns: column number, from 0, by role. reasons: why, by role. by_order: whether no name or value decided."""

    columns: dict[str, int]
    reasons: dict[str, str]
    by_order: bool = False


def find_roles(sample: Sample, data: DataSettings, table: Table, item_name: str | None = None) -> Roles:
    """Finds the column of each role.

    Args:
      sample: of the file.
      data: `columns` or `item_columns` are used.
      table: what the file holds.
      item_name: of an items file, the name of the item's column in the ratings file.

    Raises:
      DataError: a column does not exist, neither names nor content say which column is which, or there are weights of
        event types and no column of these.
    """
    finder = _Finder(sample, data, table)
    finder.take_settings()
    if table == "items" and item_name:
        finder.take_same_name(item_name)
    finder.take_names()
    if table == "ratings":
        finder.take_content()
        finder.check_events(data.events)
    else:
        finder.take_item_content()
    return finder.found()


class _Finder:
    def __init__(self, sample: Sample, data: DataSettings, table: Table):
        self._sample, self._table = sample, table
        self._width = len(sample.header) if sample.header else max((len(row) for row in sample.rows), default=0)
        self._settings: dict[str, Any] = dict(data.columns if table == "ratings" else data.item_columns)
        self._section = "columns" if table == "ratings" else "item_columns"
        self._columns: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        self._by_order = False

    def found(self) -> Roles:
        ordered = {role: self._columns[role] for role in ROLES[self._table] if role in self._columns}
        return Roles(ordered, self._reasons, self._by_order)

    def take_settings(self) -> None:
        for role, given in self._settings.items():
            if given in (None, ""):
                continue
            if isinstance(given, int):
                if given > self._width:
                    raise self._error(f"data.{self._section}.{role} is {given}, and there are {self._width} columns")
                self._take(role, given - 1, "as set")
                continue
            if self._sample.header is None:
                raise self._error(
                    f"data.{self._section}.{role} is {given!r}, and the file has no header; give the column's number, "
                    "from 1, or set data.header = true"
                )
            self._take(role, self._position(given, role), "as set")

    def take_same_name(self, name: str) -> None:
        header = self._sample.header or ()
        if "item" not in self._columns and header.count(name) == 1:
            self._take("item", header.index(name), "the name is that of the ratings' item")

    def take_names(self) -> None:
        header = self._sample.header
        if header is None:
            return
        ranked = sorted(
            (place, role, position)
            for role in self._open()
            for position, name in enumerate(header)
            if position not in self._columns.values() and (place := self._rank(name, role)) is not None
        )
        for place, role, position in ranked:
            if role in self._columns or position in self._columns.values() or not self._suits(role, position, place):
                continue
            rivals = [
                other
                for other_place, other_role, other in ranked
                if (other_place, other_role) == (place, role) and other not in self._columns.values()
                and self._suits(role, other, place)
            ]  # fmt: skip
            if len(rivals) > 1:
                if len({header[rival] for rival in rivals}) == 1:
                    raise self._twice(header[position], role)
                named = " or ".join(repr(header[rival]) for rival in rivals)
                raise self._error(f"the {role} may be {named}; set data.{self._section}.{role}{self._shown()}")
            self._take(role, position, "by its name")

    def _rank(self, name: str, role: str) -> int | None:
        """Like `rank`; in an items file, `id` is the item's, before names and titles."""
        is_plain = self._table == "items" and role == "item" and normalized(name) == "id"
        return 1 if is_plain else rank(name, role)

    def take_content(self) -> None:
        """Finds what names did not: a time by its values, then user and item in this order, then a rating."""
        if "timestamp" in self._open() and not self._named_or_dropped("timestamp"):
            times = [position for position in self._free() if self._is_time(position)]
            if self._sample.header is None and len(times) > 1:  # long numbers may be ids, which come first
                times = [position for position in times if position > 1]
            if len(times) == 1:
                self._take("timestamp", times[0], "its values are times")
        missing = [role for role in ("user", "item") if role not in self._columns]
        if missing:
            self._take_ids(missing)
        if self._sample.header is None:
            self._take_unnamed_values()

    def check_events(self, weights: Mapping[str, float]) -> None:
        """Checks that weights of event types have a column that they apply to."""
        if weights and "event" not in self._columns:
            raise self._error(
                "no column of event types was found for the weights in data.events; set data.columns.event, or remove "
                f"data.events{self._shown()}"
            )

    def take_item_content(self) -> None:
        if "item" not in self._columns:
            first = self._sample.column(0)
            if self._sample.header is not None or len(set(first)) < len(first):
                raise self._error(f"no column of the item's id was found; set data.item_columns.item{self._shown()}")
            self._take("item", 0, "the first column")
        if self._sample.header is None:
            for position in self._free():
                if "title" in self._open() and not self._is_numeric(position):
                    self._take("title", position, "the first text after the item")
                elif "genres" in self._open() and any("|" in text for text in self._sample.column(position)):
                    self._take("genres", position, "its values are lists")

    def _take_ids(self, missing: list[str]) -> None:
        """Takes the columns of ids; without a header, user and item come first, as in the public data sets."""
        is_usual_order = self._sample.header is None and len(missing) == 2
        has_time = is_usual_order and "timestamp" in self._columns
        ids = [position for position in self._free() if has_time or not self._is_time(position)]
        for is_other in (self._is_event, self._is_fraction):
            rest = [position for position in ids if not is_other(position)]
            ids = rest if len(rest) >= len(missing) else ids
        if is_usual_order:
            third_is_id = len(ids) > 2 and not self._is_rating(ids[2])
            chosen = ids if third_is_id else ids[:2]
        elif len(ids) == len(missing) == 1:
            chosen = ids
        else:
            chosen = [position for position in ids if not self._is_rating(position)]
        if len(chosen) != len(missing):
            raise self._error(
                f"which column is the {' and which the '.join(missing)}? Neither names nor values say. Set "
                + " and ".join(f"data.{self._section}.{role}" for role in missing)
                + self._shown()
            )
        if is_usual_order and self._fit(_AMAZON_ITEM, chosen[0]) and self._fit(_AMAZON_USER, chosen[1]):
            chosen = chosen[::-1]  # Amazon's ratings of 2018 begin with the item
        for role, position in zip(missing, chosen, strict=True):
            self._take(role, position, "by its place" if len(missing) == 2 else "the only column of ids left")
        self._by_order = not is_usual_order and len(missing) == 2

    def _take_unnamed_values(self) -> None:
        if "event" in self._open():
            events = [position for position in self._free() if self._is_event(position)]
            if len(events) == 1:
                self._take("event", events[0], "its values are a few words")
        if "rating" in self._open() and "event" not in self._columns:
            numbers = [p for p in self._free() if self._is_numeric(p) and len(set(self._sample.column(p))) > 1]
            ratings = [position for position in numbers if self._is_rating(position)]
            if ratings or len(numbers) == 1:
                self._take("rating", (ratings or numbers)[0], "the first numbers after user and item")

    def _suits(self, role: str, position: int, place: int) -> bool:
        """Whether the content allows what the name says; a usual name is believed, so that errors can be explained."""
        values = self._sample.column(position)
        if not values:
            return place == 0
        if role == "timestamp":
            return place <= 1 or find_format(values) is not None or self._is_numeric(position)
        if role == "event":
            is_usual = place < KNOWN["event"].index("type")
            return self._are_words(position) if is_usual else self._is_event(position)
        if role == "rating":
            return place < KNOWN["rating"].index("rate") or self._is_numeric(position)
        return True

    def _free(self) -> list[int]:
        return [position for position in range(self._width) if position not in self._columns.values()]

    def _open(self) -> list[str]:
        return [role for role, given in self._settings.items() if given is None and role not in self._columns]

    def _named_or_dropped(self, role: str) -> bool:
        return role in self._columns or self._settings[role] == ""

    def _is_time(self, position: int) -> bool:
        return find_format(self._sample.column(position)) is not None

    def _is_numeric(self, position: int) -> bool:
        values = self._sample.column(position)
        return bool(values) and sum(map(is_number, values)) > 0.5 * len(values)

    def _is_rating(self, position: int) -> bool:
        distinct = set(self._sample.column(position))
        return self._is_numeric(position) and len(distinct) <= _MOST_RATING_VALUES

    def _fit(self, pattern: re.Pattern[str], position: int) -> bool:
        values = self._sample.column(position)
        return bool(values) and all(map(pattern.fullmatch, values))

    def _is_fraction(self, position: int) -> bool:
        return any("." in text for text in self._sample.column(position) if is_number(text))

    def _is_event(self, position: int) -> bool:
        values = self._sample.column(position)
        return len(set(values)) <= len(values) // 10 and self._are_words(position)

    def _are_words(self, position: int) -> bool:
        distinct = set(self._sample.column(position))
        return 0 < len(distinct) <= _MOST_EVENT_TYPES and all(
            text[0].isalpha() and not any(map(str.isdigit, text)) for text in distinct
        )

    def _position(self, name: str, role: str) -> int:
        header = self._sample.header or ()
        if header.count(name) > 1:
            raise self._twice(name, role)
        if name not in header:
            raise self._error(
                f"no column {name!r}; the header has: {', '.join(repr(text[:_SHOWN]) for text in header[:20])}. Set "
                f"data.{self._section}.{role} to one of these, or data.delimiter to what separates the names"
            )
        return header.index(name)

    def _take(self, role: str, position: int, reason: str) -> None:
        if position in self._columns.values():
            other = next(name for name, place in self._columns.items() if place == position)
            raise self._error(f"column {position + 1} is given for {other} and for {role}; each needs another column")
        self._columns[role], self._reasons[role] = position, reason

    def _twice(self, name: str, role: str) -> DataError:
        return self._error(
            f"two columns are called {name!r}; rename one, or set data.{self._section}.{role} to the column's number, "
            "from 1"
        )

    def _shown(self) -> str:
        header = [self._sample.header] if self._sample.header else []
        rows = [" | ".join(" ".join(text[:_SHOWN].split()) for text in row)[:_SHOWN_OF_ROW]
                for row in (*header, *self._sample.rows[:_SHOWN_ROWS])]  # fmt: skip
        return ". The first rows:\n" + "\n".join(f"  {row}" for row in rows)

    def _error(self, text: str) -> DataError:
        return DataError(f"{self._sample.path}: {text}")
