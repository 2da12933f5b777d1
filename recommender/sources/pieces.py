"""Cuts text into pieces of whole records, so that memory stays bounded and pieces can be parsed apart."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from recommender.sources.records import Dialect, count_lines, last_end
from schemas.errors import DataError

PIECE_BYTES = 8 << 20
LONGEST_RECORD = 1 << 20
"""In bytes; a longer row is rejected."""
_GIVEN_UP_AFTER = 64 << 20
"""In bytes; data without a row's end in this many bytes is not a table."""


class Piece(NamedTuple):
    """Whole records. offset: of the first byte, from 0. line: number of its line, from 1."""

    data: bytes
    offset: int
    line: int


def pieces(
    read: Callable[[int], bytes], offset: int, line: int, dialect: Dialect | None, path: str, size: int = PIECE_BYTES
) -> Iterator[Piece]:
    """Yields pieces of about `size` bytes that cover all that `read` gives.

    Args:
      read: reads at most a number of bytes, from a record's start on; b"" at the end.
      offset: position of its first byte.
      line: line number of its first byte.
      dialect: how records are written; None: one on each line, whatever quotes say.
      path: of the file, for errors.
      size: in bytes.

    Raises:
      DataError: a record has no end within 64 MiB.
    """
    data = b""
    while part := read(max(size - len(data), size // 2)):
        data += part
        if len(data) < size:
            continue
        length = last_end(data, dialect) or _end_of_long_record(data)
        if not length:
            if len(data) > _GIVEN_UP_AFTER:
                raise DataError(
                    f"{path}: line {line}: no end of the row within {len(data) >> 20} MiB, which begins with "
                    f"{data[:40].decode(errors='replace')!r}; expected a table with a row on each line"
                )
            size = max(size, len(data) + 1)
            continue
        yield Piece(data[:length], offset, line)
        offset, line, data = offset + length, line + count_lines(data[:length]), data[length:]
    if data:
        yield Piece(data, offset, line)


def _end_of_long_record(data: bytes) -> int:
    """Returns where a record that fills the data ends at the latest, whatever its quotes say; 0 if nowhere."""
    return data.rfind(b"\n") + 1 if len(data) > LONGEST_RECORD else 0
