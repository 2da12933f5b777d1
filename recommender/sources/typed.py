"""Rows of formats that have types: Parquet and JSON lines."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from recommender.sources.dialects import readable
from recommender.sources.layouts import Layout
from recommender.sources.pieces import Piece
from recommender.sources.records import find_lines
from recommender.sources.rows import LISTED_CHARACTERS, Note, as_text, is_utf_8

_DEEP = 500
_JSON_BLOCK = 1 << 20
"""Levels of JSON; Arrow's parser calls itself for each, and the process ends when the stack is full."""


class TypedSource:
    """The rows of an Arrow table."""

    def __init__(
        self,
        table: pa.Table,
        lines: np.ndarray,
        layout: Layout,
        broken: Sequence[tuple[int, str, str]] = (),
    ):
        """Takes a table.

        Args:
          table: columns by the names of the layout's header.
          lines: [num_rows] line or row numbers.
          layout: of the file.
          broken: line, reason and content of rows that could not be read.
        """
        self.lines, self.notes = lines, list[Note]()
        self._table, self._layout, self._broken = table, layout, broken

    def values(self, position: int) -> pa.Array:
        """Returns [num_rows] strings without surrounding space, numbers, times or lists."""
        assert self._layout.header
        name = self._layout.header[position]
        if name not in self._table.column_names:
            return pa.nulls(len(self.lines), pa.string())
        return as_plain(self._table[name].combine_chunks())

    def content(self, row: int) -> str:
        """Returns a row as JSON."""
        return json.dumps(self._table.slice(row, 1).to_pylist()[0], ensure_ascii=False, default=str)

    def broken(self) -> Iterator[tuple[int, str, str]]:
        """Yields line, reason and content of the rows that could not be read."""
        yield from self._broken


def as_plain(values: pa.Array) -> pa.Array:
    """Returns dictionaries, binary and large strings as strings, and booleans, decimals and durations as numbers.

    What is not UTF-8 becomes null.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return as_plain(values.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pc.utf8_trim_whitespace(as_text(values.cast(pa.binary())))
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pc.utf8_trim_whitespace(values.cast(pa.string()))
    if pa.types.is_string(kind):
        return pc.utf8_trim_whitespace(values)
    if pa.types.is_boolean(kind):
        return values.cast(pa.int8())
    if pa.types.is_duration(kind):
        return values.cast(pa.int64())
    return values.cast(pa.float64()) if pa.types.is_decimal(kind) else values


def parse_json_lines(piece: Piece, layout: Layout) -> TypedSource:
    """Reads objects, one on each line; what is no object is broken."""
    assert layout.header
    lines, texts = find_lines(piece.data, piece.line)
    is_deep = any(len(text) > _DEEP and text.count(b"[") + text.count(b"{") > _DEEP for text in texts)
    if is_deep or not is_utf_8(piece.data):  # Arrow does not check
        return _parse_one_by_one(lines, texts, layout)
    try:
        # Otherwise Arrow would take an id such as 2021-01-13 for a time.
        texts_alone = pa.schema([(layout.header[position], pa.string()) for position in layout.texts])
        options = pyarrow.json.ParseOptions(explicit_schema=texts_alone)
        # Arrow reads at most 100,000 rows in a block, and no row across blocks.
        block_size = max(_JSON_BLOCK, 2 * max(map(len, texts), default=0))
        blocks = pyarrow.json.ReadOptions(use_threads=False, block_size=block_size)
        table = pyarrow.json.read_json(pa.BufferReader(piece.data), blocks, options)
        if table.num_rows == len(lines) and not _has_lost_digits(table, layout):
            return TypedSource(table, lines, layout)
    except pa.ArrowInvalid:
        pass
    return _parse_one_by_one(lines, texts, layout)


def _has_lost_digits(table: pa.Table, layout: Layout) -> bool:
    """Whether ids were read as numbers that are too large to be exact."""
    assert layout.header
    names = {layout.header[layout.columns[role]] for role in ("user", "item") if role in layout.columns}
    floats = [table[name] for name in names & set(table.column_names) if pa.types.is_floating(table[name].type)]
    return any((pc.max(pc.abs(column)).as_py() or 0) >= 1 << 53 for column in floats)


def load_json(text: bytes) -> Any:
    """Returns what a line of JSON holds.

    Raises:
      ValueError: it is not JSON, is nested too deeply, or holds text that is not Unicode; the message names which.
    """
    try:
        found = json.loads(text)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return found


def _parse_one_by_one(lines: np.ndarray, texts: list[bytes], layout: Layout) -> TypedSource:
    """Reads lines that Arrow does not take together: some are damaged, or a key has numbers here and texts there."""
    assert layout.header
    rows: list[dict[str, Any]] = []
    places: list[int] = []
    broken: list[tuple[int, str, str]] = []
    for line, text in zip(lines.tolist(), texts, strict=True):
        try:
            found = load_json(text)
        except ValueError as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            broken.append((line, f"not JSON: {what}", readable(text[: 4 * LISTED_CHARACTERS])))
            continue
        if isinstance(found, dict):
            rows.append(found)
            places.append(line)
        else:
            broken.append((line, "not a JSON object", readable(text[: 4 * LISTED_CHARACTERS])))
    used = [layout.header[position] for position in layout.columns.values()]
    columns = {name: _column([row.get(name) for row in rows]) for name in dict.fromkeys(used)}
    return TypedSource(pa.table(columns), np.array(places, np.int64), layout, broken)


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values])
