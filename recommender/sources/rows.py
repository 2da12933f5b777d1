"""The fields of some rows of a file, and the first reason why each unusable row is rejected."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recommender.sources.dialects import is_comment, readable
from recommender.sources.encodings import as_utf_8
from recommender.sources.layouts import Layout
from recommender.sources.pieces import LONGEST_RECORD, Piece
from recommender.sources.records import find_records
from schemas.errors import DataError

LISTED_REJECTS = 10_000
"""Maximum number of rejects listed per block; others are only counted, so that a misread file does not fill memory."""
LISTED_CHARACTERS = 200


class Reject(NamedTuple):
    """A row that cannot be used.

    line: from 1; in Parquet, the number of the row. value: what was wrong, if it was one field. content: the row's
    text. value and content are cut to LISTED_CHARACTERS.
    """

    file: str
    line: int
    reason: str
    value: str
    content: str


class Note(NamedTuple):
    """What was noticed in rows that are used, or left out by design.

    code: of the suspicion. line, value: of the first row. number: of rows.
    """

    code: str
    file: str
    line: int
    value: str
    number: int


def add_up(notes: Iterable[Note]) -> list[Note]:
    """Adds up the notes of the same kind and file; those on types of events also by type."""
    found: dict[tuple[str, str, str], Note] = {}
    for note in notes:
        key = note.code, note.file, note.value if note.code.startswith("event") else ""
        before = found.get(key)
        found[key] = before._replace(number=before.number + note.number) if before else note
    return list(found.values())


def rejects_as_csv(rejects: Iterable[Reject]) -> str:
    """Returns `file,line,reason,value,content`, by file and line; a spreadsheet runs none of it as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(Reject._fields)
    writer.writerows([_as_cell(value) for value in reject] for reject in sorted(rejects))
    return text.getvalue()


def _as_cell(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


class Parsed(NamedTuple):
    """The usable rows of a block and its rejects.

    table: columns by role, and `line`. rejects: at most LISTED_REJECTS. reasons: number of rejects by reason.
    left_out: rows that are neither used nor rejected.
    """

    table: pa.Table
    rejects: list[Reject]
    reasons: dict[str, int]
    notes: list[Note]
    left_out: int


class Source(Protocol):
    """Rows of any format. lines: [num_rows] numbers of the rows with fields to read. notes: on the rows."""

    lines: np.ndarray
    notes: list[Note]

    def values(self, position: int) -> pa.Array:
        """Returns a column: [num_rows] strings without surrounding space, or numbers or times of a typed format."""

    def content(self, row: int) -> str:
        """Returns a row as text."""

    def broken(self) -> Iterator[tuple[int, str, str]]:
        """Yields line, reason and content of the rows without fields to read."""


class Rows:
    """Rows that are checked one reason after another; the first reason counts."""

    def __init__(self, source: Source, layout: Layout):
        self.source, self.layout = source, layout
        self._codes = np.zeros(len(source.lines), np.int16)
        self._reasons: list[tuple[str, pa.Array | None]] = [("", None)]
        self._notes: list[Note] = list(source.notes)

    def __len__(self) -> int:
        return len(self._codes)

    def values(self, role: str) -> pa.Array:
        """Returns the column of a role.

        Raises:
          DataError: it holds lists or objects, which only genres may be.
        """
        values = self.source.values(self.layout.columns[role])
        is_list = pa.types.is_list(values.type) or pa.types.is_large_list(values.type)
        if pa.types.is_nested(values.type) and not (role == "genres" and is_list):
            section = "columns" if self.layout.table == "ratings" else "item_columns"
            raise DataError(
                f"{self.layout.path}: column {self.layout.column(role)!r}, taken as the {role}, holds lists or objects "
                f"({str(values.type)[:80]}); expected one value in each row. Flatten it, or set data.{section}.{role} "
                "to another column"
            )
        return values

    def refuse(self, bad: np.ndarray, reason: str, values: pa.Array | None = None) -> None:
        """Rejects rows by a mask [num_rows]; `values` are the fields that were wrong."""
        if bad.any():
            self._codes[bad & (self._codes == 0)] = len(self._reasons)
            self._reasons.append((reason, values))

    def note(self, code: str, which: np.ndarray, values: pa.Array) -> None:
        """Notes something about rows that are not rejected, by a mask [num_rows]."""
        places = np.flatnonzero(which & (self._codes == 0))
        if len(places):
            first = int(places[0])
            self._notes.append(
                Note(code, self.layout.file, int(self.source.lines[first]), str(values[first].as_py()), len(places))
            )

    def parsed(self, columns: dict[str, pa.Array | np.ndarray], left_out: np.ndarray | None = None) -> Parsed:
        """Returns the rows of `columns` that were neither rejected nor left out, and the rejects."""
        accepted = self._codes == 0
        num_left_out = 0
        if left_out is not None:
            num_left_out = int((left_out & accepted).sum())
            accepted &= ~left_out
        table = pa.table({**columns, "line": pa.array(self.source.lines)})
        counts = np.bincount(self._codes, minlength=len(self._reasons))
        reasons: dict[str, int] = {}
        for (reason, _), count in zip(self._reasons[1:], counts[1:].tolist(), strict=True):
            reasons[reason] = reasons.get(reason, 0) + count
        rejects = []
        # The first of each reason is listed in any case.
        firsts = np.unique(self._codes, return_index=True)[1]
        for row in np.union1d(np.flatnonzero(self._codes)[:LISTED_REJECTS], firsts[self._codes[firsts] > 0]):
            reason, values = self._reasons[self._codes[row]]
            value = "" if values is None else str(values[int(row)].as_py())
            rejects.append(self._reject(int(self.source.lines[row]), reason, value, self.source.content(int(row))))
        for line, reason, content in self.source.broken():
            reasons[reason] = reasons.get(reason, 0) + 1
            if len(rejects) < LISTED_REJECTS or reasons[reason] == 1:
                rejects.append(self._reject(line, reason, "", content))
        table = table if accepted.all() else table.filter(pa.array(accepted))
        return Parsed(table, rejects, {key: n for key, n in reasons.items() if n}, self._notes, num_left_out)

    def _reject(self, line: int, reason: str, value: str, content: str) -> Reject:
        shown = value[:LISTED_CHARACTERS], content[:LISTED_CHARACTERS]
        return Reject(self.layout.file, line, reason, *shown)


class CsvSource:
    """The rows of a piece of a CSV file."""

    def __init__(self, piece: Piece, layout: Layout, is_raw: bool):
        """Finds the records.

        Args:
          piece: of the file.
          layout: of the file.
          is_raw: whether the piece is in the file's encoding; it is in UTF-8 otherwise.
        """
        self._data = as_utf_8(piece.data, layout.encoding) if is_raw else piece.data
        self._layout = layout
        self._records = find_records(self._data, piece.line, layout.dialect)
        records, width = self._records, layout.dialect.width
        found = 1 + records.delimiters_within()
        is_whole = (found == width) & (records.stops - records.starts <= LONGEST_RECORD)
        self.notes = [Note("stray-quotes", layout.file, line, '"', 1) for line in records.stray]
        self._broken = [] if is_whole.all() else self._sort_out(~is_whole, found)
        self._whole = np.flatnonzero(is_whole)
        self.lines = records.lines[self._whole]
        delimiters = records.delimiters
        if not is_whole.all():
            owner = np.searchsorted(records.starts, delimiters, side="right") - 1
            delimiters = delimiters[is_whole[owner]]
        inner = delimiters.reshape(len(self._whole), width - 1)
        starts, stops = records.starts[self._whole], records.stops[self._whole]
        self._begins = np.column_stack([starts, inner + len(layout.dialect.delimiter)])
        self._ends = np.column_stack([inner, stops])

    def values(self, position: int) -> pa.Array:
        """Returns [num_rows] strings; those that are not UTF-8 are null."""
        if not len(self._whole):
            return pa.array([], pa.string())
        begins, ends = self._begins[:, position].copy(), self._ends[:, position].copy()
        quoted = self._unquote(position, begins, ends)
        fields = self._between(begins, ends)
        text = as_text(fields)
        if quoted is not None:
            plain, escaped = quoted
            text = pc.if_else(pa.array(plain | escaped), pc.replace_substring(text, '""', '"'), text)
            if escaped.any():
                text = pc.if_else(pa.array(escaped), pc.replace_substring(text, '\\"', '"'), text)
        return pc.utf8_trim_whitespace(text)

    def content(self, row: int) -> str:
        """Returns a row as it was written."""
        return self._text(int(self._whole[row]))

    def broken(self) -> Iterator[tuple[int, str, str]]:
        """Yields line, reason and content of rows with the wrong number of fields."""
        yield from self._broken

    def _text(self, record: int) -> str:
        start, stop = int(self._records.starts[record]), int(self._records.stops[record])
        return readable(self._data[start : min(stop, start + 4 * LISTED_CHARACTERS)])

    def _sort_out(self, bad: np.ndarray, found: np.ndarray) -> list[tuple[int, str, str]]:
        """Returns the broken records; comments and NUL bytes are none, since they hold no data."""
        records, width, broken = self._records, self._layout.dialect.width, []
        for record in np.flatnonzero(bad).tolist():
            start, stop, line = int(records.starts[record]), int(records.stops[record]), int(records.lines[record])
            head = self._data[start : min(stop, start + 4 * LISTED_CHARACTERS)]
            if is_comment(head) or not head.strip(b" \t"):
                continue
            if not self._data[start:stop].strip(b"\0"):
                self.notes.append(Note("nul-bytes", self._layout.file, line, "", stop - start))
                continue
            if stop - start > LONGEST_RECORD:
                reason = f"the row is longer than {LONGEST_RECORD >> 20} MiB"
            else:
                reason = f"wrong number of fields: expected {width}, got {found[record]}"
            broken.append((line, reason, readable(head)))
        return broken

    def _unquote(self, position: int, begins: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Moves the ends of quoted fields within their quotes; returns which are quoted, and which with a backslash."""
        ranges = self._records.quoted
        if not len(ranges):
            return None
        place = np.searchsorted(ranges[:, 0], begins)
        place_in = np.minimum(place, len(ranges) - 1)
        is_quoted = (ranges[place_in, 0] >= begins) & (ranges[place_in, 1] <= ends) & (place < len(ranges))
        begins[is_quoted], ends[is_quoted] = ranges[place_in[is_quoted], 0] + 1, ranges[place_in[is_quoted], 1] - 1
        escaped = is_quoted & self._records.escaped[place_in]
        return is_quoted & ~escaped, escaped

    def _between(self, begins: np.ndarray, ends: np.ndarray) -> pa.Array:
        # One array over the whole piece: its even elements are the fields, its odd ones the bytes between them.
        bounds = np.empty(2 * len(begins) + 1, np.int32)
        bounds[:-1:2], bounds[1::2], bounds[-1] = begins, ends, ends[-1]
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self._data)]
        every = pa.BinaryArray.from_buffers(pa.binary(), 2 * len(begins), buffers)
        is_field = np.zeros(2 * len(begins), bool)
        is_field[::2] = True
        return every.filter(pa.array(is_field))


def as_text(values: pa.Array) -> pa.Array:
    """Returns binary values as strings; those that are not UTF-8 become null."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        valid = pa.array([is_utf_8(value) for value in values.to_pylist()])
        return pc.if_else(valid, values, pa.scalar(None, pa.binary())).cast(pa.string())


def is_utf_8(value: bytes | None) -> bool:
    """Whether bytes are UTF-8; None, for no value, counts as such."""
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True
