"""Parses blocks of CSV into typed columns, and separates the rows that cannot be used."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recommender.sources.parsing import Block, Records, find_records, readable
from schemas.settings import DataSettings

LATEST_SECONDS = 253_402_300_799
"""The end of the year 9999: a later timestamp is not in seconds."""
LISTED_REJECTS = 10_000
"""Maximum number of rejects listed per block; others are only counted, so that a misread file does not fill memory."""
LISTED_CHARACTERS = 200


class Reject(NamedTuple):
    """A row that cannot be used; `line` counts from 1, `content` is at most LISTED_CHARACTERS of its text."""

    file: str
    line: int
    reason: str
    content: str


class Parsed(NamedTuple):
    """The usable rows of a block and its rejects.

    table: columns by role, and `line`. rejects: at most LISTED_REJECTS. reasons: number of rejects by reason.
    """

    table: pa.Table
    rejects: list[Reject]
    reasons: dict[str, int]


class _Rows:
    """The fields of a block's records, and the first reason why each record was refused."""

    def __init__(self, data: bytes, block: Block, delimiter: str):
        self._data, self._block = data, block
        self._records = find_records(data, block.line, delimiter)
        self._reasons = np.full(len(self._records.starts), "", object)
        width = block.header.num_fields
        found = 1 + _count_between(self._records)
        for other in np.unique(found[found != width]):
            self._reasons[found == other] = f"wrong number of fields: the header has {width}, the row {other}"
        self._whole = np.flatnonzero(found == width)
        owner = np.searchsorted(self._records.starts, self._records.delimiters, side="right") - 1
        inner = self._records.delimiters[found[owner] == width].reshape(len(self._whole), width - 1)
        starts, stops = self._records.starts[self._whole], self._records.stops[self._whole]
        self._begins = np.column_stack([starts, inner + 1])
        self._ends = np.column_stack([inner, stops])

    def refuse(self, bad: np.ndarray, reason: str) -> None:
        """Refuses rows by a mask [num_rows] over those with the right number of fields."""
        rows = self._whole[bad]
        self._reasons[rows[self._reasons[rows] == ""]] = reason

    def text(self, role: str) -> pa.StringArray:
        """Returns the column's [num_rows] strings without surrounding whitespace; refuses rows that are not UTF-8."""
        column = self._bytes(self._block.header.positions[role])
        try:
            text = column.cast(pa.string())
        except pa.ArrowInvalid:
            valid = np.array([_is_utf8(value) for value in column.to_pylist()])
            self.refuse(~valid, f"{role} is not UTF-8")
            text = pc.if_else(pa.array(valid), column, b"").cast(pa.string())
        return pc.utf8_trim_whitespace(text)

    def _bytes(self, position: int) -> pa.BinaryArray:
        if not len(self._whole):
            return pa.array([], pa.binary())
        begins, ends = self._begins[:, position], self._ends[:, position]
        quoted = np.isin(begins, self._records.quoted[:, 0])
        # One array over the whole block: its even elements are the fields, its odd ones the bytes between them.
        bounds = np.column_stack([begins + quoted, ends - quoted]).ravel().astype(np.int32)
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self._data)]
        fields = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, buffers).take(pa.array(range(0, len(bounds), 2)))
        if not quoted.any():
            return fields
        return pc.if_else(pa.array(quoted), pc.replace_substring(fields, '""', '"'), fields)

    def parsed(self, columns: dict[str, pa.Array | np.ndarray]) -> Parsed:
        """Returns the rows of `columns` that were not refused, and the rejects."""
        accepted = self._reasons[self._whole] == ""
        columns = {**columns, "line": self._records.lines[self._whole]}
        reasons = self._reasons[self._reasons != ""]
        counted = {str(reason): int((reasons == reason).sum()) for reason in sorted(set(reasons))}
        return Parsed(pa.table(columns).filter(pa.array(accepted)), self._listed(), counted)

    def _listed(self) -> list[Reject]:
        rejects = []
        for record in np.flatnonzero(self._reasons != "")[:LISTED_REJECTS]:
            content = self._data[self._records.starts[record] : self._records.stops[record]]
            text = readable(content)[:LISTED_CHARACTERS]
            rejects.append(Reject(self._block.file, int(self._records.lines[record]), self._reasons[record], text))
        return rejects


def parse_ratings(data: bytes, block: Block, settings: DataSettings) -> Parsed:
    """Reads events: `user`, `item` (strings), `rating` (float64 or null), `timestamp` (int64 or null, seconds, UTC),
    `weight` (float64, above 0), `line`.
    """
    rows = _Rows(data, block, settings.delimiter.replace("auto", ","))
    text = {role: rows.text(role) for role in block.header.positions}
    for role, column in text.items():
        rows.refuse(_mask(pc.equal(column, "")), f"{role} is empty")
    table = {"user": text["user"], "item": text["item"]}
    size = len(text["user"])
    if "rating" in text:
        rating = _numbers(text["rating"])
        rows.refuse(~np.isfinite(rating), "rating is not a finite number")
        if settings.rating_scale:
            lowest, highest = settings.rating_scale
            outside = (rating < lowest) | (rating > highest)
            rows.refuse(outside, f"rating is outside data.rating_scale [{lowest:g}, {highest:g}]")
        table["rating"] = pa.array(rating)
    else:
        table["rating"] = pa.nulls(size, pa.float64())
    if "timestamp" in text:
        seconds = _seconds(text["timestamp"], settings.timestamp_format)
        rows.refuse(
            ~np.isfinite(seconds), f"timestamp does not fit data.timestamp_format {settings.timestamp_format!r}"
        )
        late = np.abs(seconds) > LATEST_SECONDS
        rows.refuse(late, "timestamp is beyond the year 9999; expected seconds")
        table["timestamp"] = pa.array(np.floor(np.where(np.isfinite(seconds) & ~late, seconds, 0)).astype(np.int64))
    else:
        table["timestamp"] = pa.nulls(size, pa.int64())
    table["weight"] = pa.array(np.ones(size))
    return rows.parsed(table)


def parse_items(data: bytes, block: Block, settings: DataSettings) -> Parsed:
    """Reads items: `item`, `title` (the item's id where empty), `genres` (unsplit), all strings, and `line`."""
    rows = _Rows(data, block, settings.delimiter.replace("auto", ","))
    text = {role: rows.text(role) for role in block.header.positions}
    rows.refuse(_mask(pc.equal(text["item"], "")), "item is empty")
    title = text.get("title", text["item"])
    title = pc.if_else(pc.equal(title, ""), text["item"], title)
    genres = text.get("genres", pa.array([""] * len(title), pa.string()))
    return rows.parsed({"item": text["item"], "title": title, "genres": genres})


def _count_between(records: Records) -> np.ndarray:
    first = np.searchsorted(records.delimiters, records.starts)
    return np.searchsorted(records.delimiters, records.stops) - first


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _mask(array: pa.BooleanArray) -> np.ndarray:
    return array.to_numpy(zero_copy_only=False).astype(bool)


def _numbers(text: pa.StringArray) -> np.ndarray:
    """Returns [num_rows] float64, NaN where the text is not a number; each distinct text is parsed once."""
    encoded = text.dictionary_encode()
    values = pd.to_numeric(encoded.dictionary.to_pandas(), errors="coerce").to_numpy(np.float64)
    return values[encoded.indices.to_numpy()]


def _seconds(text: pa.StringArray, timestamp_format: str) -> np.ndarray:
    """Returns [num_rows] float64 seconds since 1970-01-01 UTC, NaN where the text does not fit the format."""
    if timestamp_format in ("auto", "unix"):
        return _numbers(text)
    encoded = text.dictionary_encode()
    times = pd.to_datetime(encoded.dictionary.to_pandas(), format=timestamp_format, errors="coerce", utc=True)
    seconds = (times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return seconds.to_numpy(np.float64)[encoded.indices.to_numpy()]
