"""How a CSV file is written: its delimiter, its header, and where its rows begin."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recommender.sources.names import known_names
from recommender.sources.records import Dialect, find_records, last_end
from schemas.errors import DataError
from schemas.settings import DataSettings

SAMPLED_ROWS = 2_000
_DELIMITERS = ("::", "||", "\t", ";", ",", "|", "\x01", "\x1f", "^", "~")
"""The first of those that fit equally; bars also separate genres."""
_LAST_RESORTS = (" ", ":")
"""Tried if no other fits, since they are common within fields."""
_SHOWN = 80
_BYTES_COMPARED = 1 << 18
_LEAST_SHARE = 0.7
"""Of rows with the most frequent number of fields."""
_COMMENT = re.compile(rb"[ \t]*[#%]")


class Found(NamedTuple):
    """How a file is written.

    dialect: of its records. header: the names of the columns, or None. start: bytes before the first row. line: number
    of the first row's line, from 1. rows: the fields of the first rows.
    """

    dialect: Dialect
    header: tuple[str, ...] | None
    start: int
    line: int
    rows: list[list[str]]


def find_dialect(head: bytes, data: DataSettings, roles: Sequence[str], path: str) -> Found:
    """Detects how a file is written, where the settings leave it open.

    Args:
      head: its beginning, UTF-8 without a byte order mark.
      data: `delimiter` and `header` are used.
      roles: of the file's columns, by whose names a header is known.
      path: of the file, for errors.

    Raises:
      DataError: no delimiter fits.
    """
    start, line, named = _skip_preamble(head)
    if start == len(head):
        return Found(Dialect(b",", 0), None, start, line, [])
    given = data.delimiter if data.delimiter != "auto" else named
    delimiter = given or _find_delimiter(head[start:], roles, path)
    escapes = re.search(rb'\\"(?!\s*(?:' + re.escape(delimiter.encode()) + rb"|[\r\n]|\Z))", head) is not None
    dialect = Dialect(delimiter.encode(), 0, escapes)
    comment = _commented_header(head[:start], head[start:], dialect, roles) if data.header != False else None  # noqa: E712
    records = find_records(head[start:], line, dialect)
    texts = [
        head[start + a : start + b] for a, b in zip(records.starts[: SAMPLED_ROWS + 1], records.stops, strict=False)
    ]
    rows = [split_fields(text, dialect) for text in texts]
    has_header = not comment and (_has_header(rows, roles) if data.header == "auto" else data.header)
    if not has_header:
        width = Counter(map(len, rows)).most_common(1)[0][0]
        return Found(_of_rows(dialect, rows, width), tuple(comment) if comment else None, start, line, rows)
    names = tuple(name.strip() for name in rows[0])
    begin = start + int(records.starts[1]) if len(rows) > 1 else len(head)
    begins_on = int(records.lines[1]) if len(rows) > 1 else line + 1
    return Found(_of_rows(dialect, rows[1:], len(names)), names, begin, begins_on, rows[1:])


def split_fields(record: bytes, dialect: Dialect) -> list[str]:
    """Returns the fields of one record, unquoted and without spaces around them."""
    records = find_records(record, 1, dialect)
    begins = [0, *(records.delimiters + len(dialect.delimiter)).tolist()]
    ends = [*records.delimiters.tolist(), len(record)]
    fields = []
    for begin, end in zip(begins, ends, strict=True):
        text = record[begin:end].decode(errors="replace").strip()
        is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
        fields.append(text[1:-1].replace('""', '"').replace('\\"', '"').strip() if is_quoted else text)
    return fields


def _of_rows(dialect: Dialect, rows: list[list[str]], width: int) -> Dialect:
    columns = enumerate(zip(*(row for row in rows if len(row) == width), strict=True))
    numbers = tuple(place for place, column in columns if _are_numbers(column))
    return dialect._replace(width=width, numbers=numbers)


def _skip_preamble(head: bytes) -> tuple[int, int, str | None]:
    """Returns the bytes and lines before the first record, and the delimiter that Excel's `sep=` line names."""
    start, line, named = 0, 1, None
    for match in re.finditer(rb"([^\r\n]*)(?:\r\n|\n|\r|\Z)", head):
        text = match[1]
        if line == 1 and (found := re.fullmatch(rb'"?sep=(.+?)"?\s*', text, re.IGNORECASE)):
            named = found[1].decode(errors="replace")
        elif text.strip(b" \t\0") and not _COMMENT.match(text):
            return start, line, named
        start, line = match.end(), line + 1
        if match.end() == len(head):
            break
    return len(head), line, named


def readable(content: bytes) -> str:
    """Returns the text, with a replacement character for what is no UTF-8 and for NUL."""
    return content.decode(errors="replace").replace("\0", "\ufffd")


def is_comment(record: bytes) -> bool:
    """Whether a record begins like a comment."""
    return _COMMENT.match(record) is not None


def _commented_header(preamble: bytes, body: bytes, dialect: Dialect, roles: Sequence[str]) -> list[str] | None:
    """Returns the names in the last comment before the rows, if there are as many as fields and they are known."""
    comments = [text for text in re.split(rb"[\r\n]+", preamble) if _COMMENT.match(text)]
    if not comments:
        return None
    names = split_fields(_COMMENT.sub(b"", comments[-1], count=1).strip(), dialect)
    first = split_fields(re.split(rb"[\r\n]", body, maxsplit=1)[0], dialect)
    return (
        names if len(names) == len(first) > 1 and known_names(names, roles) >= 2 > known_names(first, roles) else None
    )


def _find_delimiter(body: bytes, roles: Sequence[str], path: str) -> str:
    body = body[:_BYTES_COMPARED]
    if len(body) == _BYTES_COMPARED:  # the last row may be cut
        body = body[: last_end(body, Dialect(b"\0", 0))] or body
    for candidates in (_DELIMITERS, _LAST_RESORTS):
        present = [text for text in candidates if text.encode() in body]
        scores = {text: _fit(body, text, roles) for text in present if not _is_always_doubled(body, text, present)}
        best = max(scores, key=lambda text: scores[text], default=None)
        if best is not None and scores[best][0]:
            return best
    lines = [line for line in re.split(rb"[\r\n]+", body) if line.strip()]
    shown = "\n".join(f"  {readable(line)[:_SHOWN]}" for line in lines[:3])
    raise DataError(
        f"{path}: no delimiter was found: expected the same number of fields, at least two, in nearly every row, "
        f"separated by a comma, semicolon, tab or bar, for instance. The first rows:\n{shown}\nSet data.delimiter"
    )


def _is_always_doubled(body: bytes, text: str, others: Sequence[str]) -> bool:
    """Whether a text is half of another delimiter wherever it occurs, as `|` in `a||b||c`."""
    return 2 * text in others and body.count(text.encode()) == 2 * body.count(2 * text.encode())


def _fit(body: bytes, delimiter: str, roles: Sequence[str]) -> tuple[bool, int, float, bool, int]:
    """How well a delimiter fits: whether it does, known names, share of rows of like width, whether it is `::`, fields.

    Known names are those in the first row. `::` hardly occurs in text. A delimiter fits if the first row has
    two known names, or if most rows have the same number of fields.
    """
    dialect = Dialect(delimiter.encode(), 0)
    records = find_records(body, 1, dialect)
    counts = 1 + records.delimiters_within()[:SAMPLED_ROWS]
    numbers = Counter((counts[1:] if len(counts) > 1 else counts).tolist())
    if not numbers:
        return False, 0, 0.0, False, 0
    fields, number = max(numbers.items(), key=lambda pair: (pair[1], pair[0]))
    share = number / numbers.total()
    known = known_names(split_fields(body[records.starts[0] : records.stops[0]], dialect), roles)
    if known < 2 and (fields < 2 or share < _LEAST_SHARE):
        return False, 0, 0.0, False, 0
    return True, known, round(share, 1), delimiter == "::", fields


def _has_header(rows: list[list[str]], roles: Sequence[str]) -> bool:
    if not rows:
        return False
    first, rest = rows[0], rows[1:]
    known = known_names(first, roles)
    if known >= 2 or not rest:
        return known >= 1
    columns = list(zip(*(row for row in rest if len(row) == len(first)), strict=True))
    if not columns:
        return known >= 1
    are_numbers = [_are_numbers(column) for column in columns]
    if any(is_number and name and not _is_number(name) for is_number, name in zip(are_numbers, first, strict=True)):
        return True
    if any(map(_is_number, first)):
        return False
    recurs = any(name in column for name, column in zip(first, columns, strict=True))
    return not recurs and (
        known >= 1 or all(_is_unlike(name, column) for name, column in zip(first, columns, strict=True))
    )


def _are_numbers(column: Sequence[str]) -> bool:
    return sum(map(_is_number, column)) > 0.9 * len(column)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?\d[\d.,: /T+-]*(?:[eE][-+]?\d+)?Z?", text) is not None


def _is_unlike(name: str, column: Sequence[str]) -> bool:
    """Whether a name has no digits and nearly all values of its column have some."""
    return not re.search(r"\d", name) and sum(bool(re.search(r"\d", value)) for value in column) > 0.9 * len(column)
