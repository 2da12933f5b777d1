r"""Finds the records and fields of CSV text: where each begins and ends, and on which line.

Quotes follow RFC 4180, with `\\"` for a quote within quotes in addition: a quote opens a field only at the field's
start and closes it only at the field's end; any other quote is an ordinary character, so that a stray quote cannot
swallow the rows after it. LF, CR LF and CR end a record.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

LONGEST_QUOTED_FIELD = 1 << 16
"""In bytes; a quote that is not closed within this length is an ordinary character."""
NEWLINE, CARRIAGE_RETURN = 10, 13
_LEAST_SHARE_OF_ROWS = 0.8
"""Of the lines that two quotes join, from which these are stray; the others may be damaged rows."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST_LINE = 1 << 12
"""In bytes, before and after a quoted field; of longer rows, quotes are not doubted."""
_NUMBER = re.compile(rb"\s*(?:[-+]?\d[\d.,: /T+-]*(?:[eE][-+]?\d+)?Z?)?\s*")


class Dialect(NamedTuple):
    r"""How records are written.

    delimiter: bytes between fields. width: number of fields of a record. escapes: whether the text is known to write
    `\\"` for a quote within quotes; otherwise it is one only where it could not close the field. numbers: fields, from
    0, that hold numbers or times, by which a row is distinguished from text.
    """

    delimiter: bytes
    width: int
    escapes: bool = False
    numbers: tuple[int, ...] = ()


class Records(NamedTuple):
    r"""The records of some text, without blank lines.

    starts, stops: [num_records] byte ranges, without the line end. lines: [num_records] line numbers.
    delimiters: positions of the texts between fields. quoted: [num_quoted, 2] byte ranges of quoted fields, quotes
    included. escaped: [num_quoted] whether `\\"` stands for a quote in the field. stray: lines of quotes that would
    have joined rows, and were taken as ordinary characters.
    """

    starts: np.ndarray
    stops: np.ndarray
    lines: np.ndarray
    delimiters: np.ndarray
    quoted: np.ndarray
    escaped: np.ndarray
    stray: list[int]

    def delimiters_within(self) -> np.ndarray:
        """Returns the number of delimiters in each record, [num_records]."""
        return np.searchsorted(self.delimiters, self.stops) - np.searchsorted(self.delimiters, self.starts)


class _Quotes(NamedTuple):
    ranges: np.ndarray
    escaped: np.ndarray
    stray: list[int]
    """Positions."""


def find_records(data: bytes, line: int, dialect: Dialect) -> Records:
    """Finds the records of `data`, whose first byte is at a record's start on line `line`."""
    quotes = _quoted(data, dialect, final=True)
    newlines = _line_ends(data)
    ends = _outside(newlines, quotes.ranges)
    starts = np.concatenate([[0], ends + 1])
    stops = np.append(ends, len(data))
    padded = np.frombuffer(b"\n" + data, np.uint8)  # so that the byte before each stop exists
    stops = stops - ((padded[stops] == CARRIAGE_RETURN) & (stops > starts))
    lines = line + (np.arange(len(starts)) if len(ends) == len(newlines) else np.searchsorted(newlines, starts))
    filled = stops > starts
    delimiters = _outside(positions_of(data, dialect.delimiter), quotes.ranges)
    stray = [line + int(np.searchsorted(newlines, place)) for place in quotes.stray]
    return Records(starts[filled], stops[filled], lines[filled], delimiters, quotes.ranges, quotes.escaped, stray)


def last_end(data: bytes, dialect: Dialect | None) -> int:
    """Returns the number of bytes of whole records at the beginning of `data`, which more data follows.

    Without a dialect, every line is a record.
    """
    end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
    whole = data[:end]
    if dialect is None or b'"' not in whole or (b'\\"' not in whole and _paired(whole, dialect.delimiter) is not None):
        return end
    newlines = _outside(_line_ends(data, final=False), _quoted(data, dialect, final=False).ranges)
    return int(newlines[-1]) + 1 if len(newlines) else 0


def find_lines(data: bytes, line: int) -> tuple[np.ndarray, list[bytes]]:
    """Returns the numbers and the content of the lines that are not blank; the first has the number `line`."""
    every = _LINE_END.split(data)
    filled = [number for number, text in enumerate(every) if text.strip()]
    return line + np.array(filled, np.int64), [every[number] for number in filled]


def count_lines(data: bytes) -> int:
    """Returns the number of line ends."""
    returns = data.count(b"\r")
    return data.count(b"\n") + (returns - data.count(b"\r\n") if returns else 0)


def positions_of(data: bytes, text: bytes) -> np.ndarray:
    """Returns where `text` begins in `data`, ascending; occurrences do not overlap."""
    at = np.frombuffer(data, np.uint8)
    if len(text) == 1:
        return np.flatnonzero(at == text[0])
    places = max(0, len(at) - len(text) + 1)
    candidate = at[:places] == text[0]
    for offset in range(1, len(text)):
        candidate &= at[offset : places + offset] == text[offset]
    found = np.flatnonzero(candidate)
    if (np.diff(found) < len(text)).any():
        return np.fromiter((match.start() for match in re.finditer(re.escape(text), data)), np.int64)
    return found


def _line_ends(data: bytes, final: bool = True) -> np.ndarray:
    """Returns the positions of the last byte of each line end; of data that goes on, a CR at its end is none."""
    at = np.frombuffer(data, np.uint8)
    if b"\r" not in data:
        return np.flatnonzero(at == NEWLINE)
    is_return = at == CARRIAGE_RETURN
    is_return[:-1] &= at[1:] != NEWLINE
    if not final:
        is_return[-1:] = False
    return np.flatnonzero(is_return | (at == NEWLINE))


def _outside(positions: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Returns the positions in none of the ascending ranges [num_ranges, 2]."""
    if not len(ranges):
        return positions
    before = np.searchsorted(ranges[:, 0], positions, side="right") - 1
    return positions[(before < 0) | (positions >= ranges[before, 1])]


def _quoted(data: bytes, dialect: Dialect, final: bool) -> _Quotes:
    """Finds the quoted fields.

    Unless `final`, more data follows, and a field that is still open at the end counts as quoted up to there.
    """
    found = None if not final or b'\\"' in data else _paired(data, dialect.delimiter)
    if found is None:
        return _searched(data, dialect, final)
    joined = [
        number
        for number in _with_lines(data, found)
        if _joins_rows(data, int(found[number, 0]), int(found[number, 1]), dialect)
    ]
    stray = found[joined, 0].tolist()
    kept = np.delete(found, joined, axis=0)
    return _Quotes(kept, np.zeros(len(kept), bool), stray)


def _paired(data: bytes, delimiter: bytes) -> np.ndarray | None:
    """Returns the quoted fields of data whose quotes open and close fields in turn; None if others are among them.

    Two quotes for one within a field are none of these.
    """
    if len(delimiter) > 1:
        return None
    places = _without_doubled(data, delimiter)
    if places is None or len(places) % 2:
        return None
    opens, closes = _open(data, places[::2], delimiter), _close(data, places[1::2], delimiter)
    ranges = places.reshape(-1, 2) + np.array([0, 1])
    return ranges if (opens & closes & (np.diff(ranges)[:, 0] <= LONGEST_QUOTED_FIELD)).all() else None


def _without_doubled(data: bytes, delimiter: bytes) -> np.ndarray | None:
    """Returns the positions of quotes but those that stand for a quote; None if a run of quotes fits no field."""
    places = positions_of(data, b'"')
    is_first = np.append(True, np.diff(places) > 1)[: len(places)]
    if is_first.all():
        return places
    firsts = np.flatnonzero(is_first)
    lengths = np.diff(np.append(firsts, len(places)))
    first, last = places[firsts], places[firsts + lengths - 1]
    opens, closes, is_odd = _open(data, first, delimiter), _close(data, last, delimiter), lengths % 2 == 1
    # A run that opens a field or closes one has one quote more than pairs; one that does both, or neither, has not.
    if ((opens != closes) & ~is_odd & opens | (opens == closes) & is_odd).any():
        return None
    return np.sort(np.concatenate([first[opens], last[closes & (is_odd | opens)]]))


def _open(data: bytes, places: np.ndarray, delimiter: bytes) -> np.ndarray:
    """Whether a field begins at each of the places, [n] bool."""
    before = np.frombuffer(b"\n" + data, np.uint8)[places]
    return (before == delimiter[-1]) | (before == NEWLINE) | (before == CARRIAGE_RETURN)


def _close(data: bytes, places: np.ndarray, delimiter: bytes) -> np.ndarray:
    """Whether a field ends after each of the places, [n] bool."""
    after = np.frombuffer(data + b"\n", np.uint8)[places + 1]
    return (after == delimiter[0]) | (after == NEWLINE) | (after == CARRIAGE_RETURN)


def _with_lines(data: bytes, ranges: np.ndarray) -> np.ndarray:
    """Returns the numbers of the ranges that contain a line end."""
    ends = _line_ends(data)
    return np.flatnonzero(np.diff(np.searchsorted(ends, ranges))[:, 0])


def _joins_rows(data: bytes, start: int, stop: int, dialect: Dialect) -> bool:
    """Whether nearly all lines that a quoted field touches are whole rows: its two quotes do not belong together."""
    if dialect.width < 2 or (data.find(b"\n", start, stop) < 0 and data.find(b"\r", start, stop) < 0):
        return False
    first, last = max(0, start - _LONGEST_LINE), stop + _LONGEST_LINE
    begin = 1 + max(data.rfind(mark, first, start) for mark in (b"\n", b"\r"))
    end = min((place for mark in (b"\n", b"\r") if (place := data.find(mark, stop, last)) >= 0), default=len(data))
    if (begin == 0 and first > 0) or end > last:
        return False
    lines = _LINE_END.split(data[begin:end])
    return sum(_is_row(line, dialect) for line in lines) >= _LEAST_SHARE_OF_ROWS * len(lines)


def _is_row(line: bytes, dialect: Dialect) -> bool:
    """Whether a line has all fields of a row, and numbers where rows have them, or a stray quote."""
    fields = line.split(dialect.delimiter)
    return len(fields) == dialect.width and all(
        b'"' in fields[place] or _NUMBER.fullmatch(fields[place]) for place in dialect.numbers
    )


def _searched(data: bytes, dialect: Dialect, final: bool) -> _Quotes:
    pattern = _pattern(dialect.delimiter, dialect.escapes, final)
    ranges: list[tuple[int, int]] = []
    escaped: list[bool] = []
    stray: list[int] = []
    position = 0
    while match := pattern.search(data, position):
        start, stop = match.span("field")
        is_joined = _joins_rows(data, start, stop, dialect)
        if stop - start > LONGEST_QUOTED_FIELD or is_joined:
            position = start + 1
            if is_joined:
                stray.append(start)
        else:
            ranges.append((start, stop))
            escaped.append(match["escaped"] is not None)
            position = max(stop, start + 1)
    return _Quotes(np.array(ranges, np.int64).reshape(-1, 2), np.array(escaped, bool), stray)


@lru_cache
def _pattern(delimiter: bytes, escapes: bool, final: bool) -> re.Pattern[bytes]:
    """A quoted field, perhaps with spaces around its quotes."""
    between = re.escape(delimiter)
    spaces = b"" if delimiter[:1] == b" " else b" *"
    opening = rb"(?:\A|(?<=[\n\r])|(?<=" + between + rb"))" + spaces
    closing = rb"(?=" + spaces + rb"(?:" + between + rb"|[\n\r]|\Z))"
    still_open = b"" if final else rb"|\Z"
    rfc = rb'"[^"]*(?:""[^"]*)*(?:"' + closing + still_open + rb")"
    escaped = rb'(?P<escaped>"[^"\\]*(?:(?:\\.|"")[^"\\]*)*(?:"' + closing + still_open + rb"))"
    either = escaped + rb"|" + rfc if escapes else rfc + rb"|" + escaped
    return re.compile(opening + rb"(?P<field>" + either + rb")", re.DOTALL)
