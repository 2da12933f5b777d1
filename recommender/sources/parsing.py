"""Parses CSV bytes: the header, blocks that can be read separately, and the start and line of each record.

Quotes follow RFC 4180: a quote opens a field only at the field's start and closes it only at the field's end;
any other quote is an ordinary character, so that one stray quote cannot swallow the rows after it.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np

from schemas.errors import DataError
from schemas.settings import DataSettings

BLOCK_BYTES = 8 << 20
LONGEST_HEADER = 1 << 20
LONGEST_QUOTED_FIELD = 1 << 16
"""In bytes; a quote that is not closed within this length is an ordinary character."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NEWLINE, CARRIAGE_RETURN = 10, 13

Table = Literal["ratings", "items"]


_USUAL = {
    "user": "user_id",
    "item": "item_id",
    "rating": "rating",
    "timestamp": "timestamp",
    "title": "title",
    "genres": "genres",
}


class Header(NamedTuple):
    """The columns of a file.

    num_fields: columns in the header. positions: column number (from 0) by role, e.g. `user`. end: bytes before
    the first row. line: line number (from 1) on which the rows start.
    """

    num_fields: int
    positions: dict[str, int]
    end: int
    line: int


class Block(NamedTuple):
    """A byte range of a file that starts and ends between records; `line` is that of its first byte, from 1."""

    path: str
    file: str
    header: Header
    offset: int
    length: int
    line: int


class Records(NamedTuple):
    """The records of a block, without blank lines.

    starts, stops: [num_records] byte ranges, without the line end. lines: [num_records] line numbers.
    delimiters: positions of the bytes between fields. quoted: [num_quoted, 2] byte ranges of quoted fields.
    """

    starts: np.ndarray
    stops: np.ndarray
    lines: np.ndarray
    delimiters: np.ndarray
    quoted: np.ndarray


def wanted_columns(data: DataSettings, table: Table) -> dict[str, str]:
    """Returns the column name by role (`user`, `item`, ...), as the settings name them."""
    section = data.columns if table == "ratings" else data.item_columns
    named = {role: _USUAL.get(role) if name is None else name for role, name in section}
    return {role: str(name) for role, name in named.items() if name}


def check_header(path: Path, data: DataSettings, table: Table) -> None:
    """Checks that a local file has a header with the columns that the settings name.

    Raises:
      DataError: the file is empty, has no rows, or lacks a column.
    """
    with path.open("rb") as stream:
        read_header(stream, str(path), data, table)


def read_header(stream: BinaryIO, file: str, data: DataSettings, table: Table) -> Header:
    """Reads the header of a file opened at its start; `file` names it in errors.

    Raises:
      DataError: the file is empty, has no rows, or lacks a column.
    """
    head = stream.read(LONGEST_HEADER)
    mark = len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0
    records = find_records(head[mark:], 1, data.delimiter.replace("auto", ","))
    if not len(records.starts):
        raise DataError(f"{file}: the file is empty; expected a header and at least one row")
    if len(records.starts) == 1:
        raise DataError(f"{file}: the file has a header and no rows; expected at least one row")
    first = head[mark + records.starts[0] : mark + records.stops[0]]
    names = [
        name.strip() for name in next(csv.reader([readable(first)], delimiter=data.delimiter.replace("auto", ",")))
    ]
    positions = {}
    for role, name in wanted_columns(data, table).items():
        if name not in names:
            raise DataError(_absent_column(file, name, names, role, table))
        positions[role] = names.index(name)
    return Header(len(names), positions, mark + int(records.starts[1]), int(records.lines[1]))


def readable(content: bytes) -> str:
    """Returns the text, with a replacement character for invalid UTF-8 and for NUL, which `csv` cannot read."""
    return content.decode(errors="replace").replace("\0", "\ufffd")


def _absent_column(file: str, name: str, names: list[str], role: str, table: Table) -> str:
    section = "columns" if table == "ratings" else "item_columns"
    return (
        f"{file}: no column {name!r}; the header has: {', '.join(map(repr, names))}. "
        f"Set data.{section}.{role} to one of these, or fix data.delimiter if the names are not separated correctly"
    )


def plan_blocks(stream: BinaryIO, header: Header, delimiter: str, size: int) -> Iterator[tuple[int, int, int]]:
    """Yields (offset, length, line) of ranges of about `size` bytes that cover all rows and end between records."""
    offset, line, carried = header.end, header.line, b""
    stream.seek(offset)
    while True:
        piece = stream.read(size)
        data = carried + piece
        if len(piece) < size:
            if data:
                yield offset, len(data), line
            return
        newlines = _outside(_positions(data, NEWLINE), _quoted(data, delimiter, final=False))
        length = int(newlines[-1]) + 1 if len(newlines) else 0
        if length:
            yield offset, length, line
        offset, line, carried = offset + length, line + data.count(b"\n", 0, length), data[length:]


def find_records(data: bytes, line: int, delimiter: str) -> Records:
    """Finds the records of `data`, whose first byte is at a record's start on line `line`."""
    quoted = _quoted(data, delimiter, final=True)
    newlines = _positions(data, NEWLINE)
    ends = _outside(newlines, quoted)
    starts = np.concatenate([[0], ends + 1])
    stops = np.append(ends, len(data))
    padded = np.frombuffer(b"\n" + data, np.uint8)  # so that the byte before each stop exists
    stops = stops - ((padded[stops] == CARRIAGE_RETURN) & (stops > starts))
    lines = line + np.searchsorted(newlines, starts)
    filled = stops > starts
    delimiters = _outside(_positions(data, ord(delimiter)), quoted)
    return Records(starts[filled], stops[filled], lines[filled], delimiters, quoted)


def _positions(data: bytes, byte: int) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte)


def _outside(positions: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Returns the positions in none of the ascending ranges [num_ranges, 2]."""
    if not len(ranges):
        return positions
    before = np.searchsorted(ranges[:, 0], positions, side="right") - 1
    return positions[(before < 0) | (positions >= ranges[before, 1])]


def _quoted(data: bytes, delimiter: str, final: bool) -> np.ndarray:
    """Returns the byte ranges [num_quoted, 2] of quoted fields, quotes included.

    Unless `final`, more data follows, and a field that is still open at the end counts as quoted up to there.
    """
    comma = re.escape(delimiter.encode())
    opening = rb'"(?<![^' + comma + rb'\n]")'
    closing = rb'"(?=[' + comma + rb"\n]|\r\n|\r?\Z)"
    still_open = b"" if final else rb"|\Z"
    pattern = re.compile(opening + rb'[^"]*(?:""[^"]*)*(?:' + closing + still_open + rb")")
    ranges, position = [], 0
    while match := pattern.search(data, position):
        start, stop = match.span()
        if stop - start > LONGEST_QUOTED_FIELD:
            position = start + 1
        else:
            ranges.append((start, stop))
            position = max(stop, start + 1)
    return np.array(ranges, np.int64).reshape(-1, 2)
