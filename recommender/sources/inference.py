"""Detects how files are read, where the settings leave it open."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from recommender.sources.blocks import read_sources
from recommender.sources.content import HEAD_BYTES, Content, EmptyFileError, decompressed, look, opened
from recommender.sources.dialects import SAMPLED_ROWS, find_dialect
from recommender.sources.encodings import BYTE_ORDER_MARKS, as_utf_8, find_encoding, is_byte_wise, mark_length
from recommender.sources.layouts import ROLES, Layout, Table
from recommender.sources.names import COUNTS, normalized
from recommender.sources.numbers import Mark, find_mark, is_number
from recommender.sources.records import Dialect
from recommender.sources.roles import Roles, Sample, find_roles
from recommender.sources.times import Undecided, find_format, find_placeholders, is_rounded, parse_times
from recommender.sources.typed import as_plain, load_json
from schemas.errors import DataError
from schemas.settings import DataSettings

_TYPED = Dialect(b"\0", 0)
_SHOWN_ROWS = 3


class Inferred(NamedTuple):
    """The files of a table.

    layouts: of the files with rows. reasons: why each column is what it is, by role. empty: files without rows, and
    what they lack. by_order: whether user and item were taken by their order, without known names. rounded: by file, a
    time that has lost its digits.
    """

    layouts: list[Layout]
    reasons: dict[str, str]
    empty: dict[str, str]
    by_order: bool
    rounded: dict[str, str]

    @property
    def item_name(self) -> str | None:
        """The name of the item's column, None without a header."""
        first = self.layouts[0]
        return first.header[first.columns["item"]] if first.header else None


class _Opened(NamedTuple):
    layout: Layout
    sample: Sample


def infer(
    paths: Sequence[str], data: DataSettings, table: Table, item_name: str | None = None, base: str = ""
) -> Inferred:
    """Detects how the files of a table are read.

    Args:
      paths: of the files, at least one.
      data: what is set takes precedence over what is detected.
      table: what the files hold.
      item_name: of items, the name of the item's column in the ratings.
      base: what is left out at the beginning of paths in reports.

    Raises:
      DataError: a file cannot be read, no file has rows, or something cannot be decided; the message names the setting.
    """
    files, empty = [], {}
    for path in paths:
        try:
            file = _open(path, path.removeprefix(base).lstrip("/") or path, data, table)
        except EmptyFileError as error:
            if len(paths) == 1:
                raise
            empty[path] = str(error).removeprefix(f"{path}: ")
            continue
        if file.sample.rows:
            files.append(file)
        else:
            empty[path] = "a header and no rows" if file.layout.header else "no rows"
    if not files:
        raise DataError("\n".join(f"{path}: {what}; expected at least one row" for path, what in empty.items()))
    roles: dict[Any, Roles] = {}
    placed = []
    for file in files:
        key = file.sample.header or file.layout.dialect.width
        if key not in roles:
            roles[key] = find_roles(file.sample, data, table, item_name)
        columns = roles[key].columns
        placed.append(_Opened(file.layout._replace(columns=columns), file.sample))
    _check_agreement(placed)
    first = next(iter(roles.values()))
    layouts = _with_formats(placed, data) if table == "ratings" else [file.layout for file in placed]
    return Inferred(layouts, first.reasons, empty, first.by_order, _rounded(placed))


def _rounded(files: list[_Opened]) -> dict[str, str]:
    found = {}
    for file in files:
        if "timestamp" in file.layout.columns:
            values = file.sample.column(file.layout.columns["timestamp"])
            if example := next(filter(is_rounded, values), None):
                found[file.layout.file] = example
    return found


def _open(path: str, file: str, data: DataSettings, table: Table) -> _Opened:
    content = look(path)
    layout = Layout(path, file, table, content.format, content.compression, "utf-8", _TYPED, None, 0, 1, {})
    if content.format == "parquet":
        return _open_parquet(layout)
    encoding = _encoding(path, content, data)
    layout = layout._replace(encoding=encoding)
    mark = mark_length(content.head)
    head = as_utf_8(content.head[mark:], _without_mark(content.head, encoding))
    if len(content.head) == HEAD_BYTES:  # the last row is cut
        head = head[: max(head.rfind(b"\n"), head.rfind(b"\r")) + 1]
    if content.format == "jsonl":
        return _open_json(layout._replace(start=_raw(b"", encoding, mark, content)), head)
    found = find_dialect(head, data, ROLES[table], path)
    if found.header and "\ufffd" in "".join(found.header):
        raise DataError(
            f"{path}: the header is not {encoding.upper()}: {', '.join(found.header)[:200]!r}; set data.encoding to "
            'the file\'s encoding, or to "auto"'
        )
    start = _raw(head[: found.start], encoding, mark, content)
    layout = layout._replace(dialect=found.dialect, header=found.header, start=start, line=found.line)
    return _Opened(layout, Sample(path, found.header, [row[: found.dialect.width] for row in found.rows]))


def _without_mark(head: bytes, encoding: str) -> str:
    """Returns an encoding in which text after the byte order mark can be decoded."""
    if encoding not in ("utf-16", "utf-32"):
        return encoding
    return f"{encoding}-be" if head.startswith((b"\xfe\xff", b"\x00\x00\xfe\xff")) else f"{encoding}-le"


def _raw(before: bytes, encoding: str, mark: int, content: Content) -> int:
    """Returns the length of what comes before the rows, in the bytes that are read."""
    if content.compression is None and is_byte_wise(encoding):
        text = before if encoding == "utf-8" else before.decode().encode(encoding, errors="replace")
        return mark + len(text)
    return len(before) + (mark if encoding == "utf-8" else 0)


def _encoding(path: str, content: Content, data: DataSettings) -> str:
    if data.encoding != "auto":
        marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.head.startswith(mark)), "utf-8-sig")
        # The mark is skipped, so an encoding that expects one, or says the order of bytes, is read without.
        return marked.removesuffix("-sig") if data.encoding.startswith(marked) else data.encoding
    with opened(path) as stream:
        return find_encoding(decompressed(stream, content.compression, path))


def _open_parquet(layout: Layout) -> _Opened:
    try:
        with opened(layout.path) as stream:
            file = pyarrow.parquet.ParquetFile(stream)
            names = tuple(file.schema_arrow.names)
            batch = next(file.iter_batches(SAMPLED_ROWS, use_threads=False), None)
    except pa.ArrowException as error:
        raise DataError(f"{layout.path}: the Parquet file is damaged; get it again from its source: {error}") from error
    columns = [as_plain(batch.column(place)) for place in range(len(names))] if batch else []
    rows = [list(map(_as_text, row)) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    return _Opened(layout._replace(header=names), Sample(layout.path, names, rows))


def _open_json(layout: Layout, head: bytes) -> _Opened:
    records = []
    for line in head.splitlines()[:SAMPLED_ROWS]:
        try:
            record = load_json(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
    if not records:
        raise DataError(
            f"{layout.path}: expected JSON lines, one object on each line, got {head[:80].decode(errors='replace')!r}"
        )
    names = tuple(dict.fromkeys(name for record in records for name in record))
    rows = [[_as_text(record.get(name)) for name in names] for record in records]
    texts = frozenset(
        place for place, name in enumerate(names) if any(isinstance(record.get(name), str) for record in records)
    )
    return _Opened(layout._replace(header=names, texts=texts), Sample(layout.path, names, rows))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_agreement(files: list[_Opened]) -> None:
    """Checks that all files have the same roles."""
    first = files[0]
    for file in files[1:]:
        if set(file.layout.columns) != set(first.layout.columns):
            raise DataError(
                f"{file.layout.path}: has the columns {', '.join(file.layout.columns)}, and {first.layout.path} has "
                f"{', '.join(first.layout.columns)}; expected the same in all files"
            )


def _with_formats(files: list[_Opened], data: DataSettings) -> list[Layout]:
    layouts = [file.layout for file in files]
    if "rating" in layouts[0].columns:
        counts = data.rating_means == "count" or (data.rating_means == "auto" and _is_named_count(layouts[0]))
        marks = [_decimal_mark(file, files, data) for file in files]
        layouts = [layout._replace(decimal=mark, counts=counts) for layout, mark in zip(layouts, marks, strict=True)]
    if "timestamp" in layouts[0].columns:
        formats = [_timestamp_format(file, files, data) for file in files]
        seconds = [
            parse_times(pa.array(_values([file], "timestamp"), pa.string()), found)
            for file, found in zip(files, formats, strict=True)
        ]
        placeholders = find_placeholders(np.concatenate(seconds))
        layouts = [
            layout._replace(timestamp_format=found, placeholders=placeholders)
            for layout, found in zip(layouts, formats, strict=True)
        ]
    optional = frozenset(role for role in ("rating", "timestamp") if _is_often_absent(files, role, data))
    return [layout._replace(optional=optional - {"rating"} if layout.counts else optional) for layout in layouts]


def _is_often_absent(files: list[_Opened], role: str, data: DataSettings) -> bool:
    """Whether more rows have no value than may be rejected."""
    if role not in files[0].layout.columns:
        return False
    places = [(row, file.layout.columns[role]) for file in files for row in file.sample.rows]
    values = [row[place] for row, place in places if len(row) > place]
    absent = sum(not value or value in data.null_values for value in values)
    return absent > data.max_reject_share * len(values) and absent < len(values)


def _decimal_mark(file: _Opened, files: list[_Opened], data: DataSettings) -> Mark:
    """Finds the mark in a file, and with the others if the file alone leaves it open."""
    mark = data.decimal if data.decimal != "auto" else _decide([file], "rating", find_mark, data)
    if mark is None and len(files) > 1:
        mark = _decide(files, "rating", find_mark, data)
    if mark is None:
        what = 'a comma may be a decimal mark or separate thousands; set data.decimal to "," or "."'
        raise _undecided([file], "rating", what)
    values = _values(files, "rating")
    if values and not any(map(is_number, values)):
        what = 'no value is a number; expected ratings. Set data.columns.rating to another column, or to "" for none'
        raise _undecided(files, "rating", what)
    return mark


def _timestamp_format(file: _Opened, files: list[_Opened], data: DataSettings) -> str:
    """Finds the format in a file, and with the others if the file alone leaves it open."""
    if data.timestamp_format != "auto":
        return data.timestamp_format
    found = _decide([file], "timestamp", _time_format, data)
    if isinstance(found, Undecided) and len(files) > 1:
        found = _decide(files, "timestamp", _time_format, data)
    if isinstance(found, Undecided):
        day, month = found.formats
        what = (
            f"day or month first? {found.example!r} may be {day} (day first) or {month} (month first), and no value "
            "decides; set data.timestamp_format to one of them"
        )
        raise _undecided([file], "timestamp", what)
    if found is None:
        what = (
            "the format of the times was not recognised; set data.timestamp_format to a strptime format, or "
            'data.columns.timestamp to another column, or to "" for none'
        )
        raise _undecided([file], "timestamp", what)
    return found


def _time_format(values: Sequence[str]) -> str | Undecided | None:
    found = find_format(values)
    # A column that is called a time and holds small numbers: an order, or seconds from a start.
    return "unix" if found is None and all(map(is_number, values)) else found


def _is_named_count(layout: Layout) -> bool:
    return layout.header is not None and normalized(layout.header[layout.columns["rating"]]) in COUNTS


def _values(files: list[_Opened], role: str) -> list[str]:
    return [value for file in files for value in file.sample.column(file.layout.columns[role])]


def _decide(files: list[_Opened], role: str, find: Callable[[Sequence[str]], Any], data: DataSettings) -> Any:
    """Finds a format in the samples, and in all rows if the samples have no value or leave it open."""
    values = [value for value in _values(files, role) if value not in data.null_values]
    found = find(values)
    if values and found is not None and not isinstance(found, Undecided):
        return found
    if values and found is None and not any(map(is_number, values)):
        return None
    for file in files:
        for source in read_sources(file.layout):
            column = source.values(file.layout.columns[role])
            if not pa.types.is_string(column.type):
                return find(values)
            distinct = [value for value in column.unique().to_pylist() if value and value not in data.null_values]
            seen = list(dict.fromkeys(values[:SAMPLED_ROWS] + distinct))
            found = find(seen)
            if seen and found is not None and not isinstance(found, Undecided):
                return found
    return found


def _undecided(files: list[_Opened], role: str, what: str) -> DataError:
    layout, sample = files[0].layout, files[0].sample
    position = layout.columns[role]
    rows = [" | ".join(row) for row in sample.rows if len(row) > position and row[position]][:_SHOWN_ROWS]
    shown = "\n".join(f"  {row[:200]}" for row in rows)
    return DataError(f"{layout.path}: column {layout.column(role)!r}: {what}. The first rows:\n{shown}")
