"""Parts of a file that can be read separately, and their rows."""

import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow.parquet

from recommender.sources.columns import parse_items, parse_ratings
from recommender.sources.content import decompressed, opened, read_exactly
from recommender.sources.encodings import as_utf_8, is_byte_wise, utf_8_reader
from recommender.sources.layouts import Layout
from recommender.sources.pieces import PIECE_BYTES, Piece, pieces
from recommender.sources.records import Dialect
from recommender.sources.rows import CsvSource, Parsed, Source
from recommender.sources.typed import TypedSource, parse_json_lines
from schemas.errors import DataError
from schemas.settings import DataSettings

_PARQUET_ROWS = 1 << 18
"""Read at once."""
_INFLATION = 5
"""How much larger a compressed log is without compression, about."""


class Block(NamedTuple):
    """A part of a file that starts and ends between records.

    place: the first byte, or of Parquet the row group. length: in bytes; None for the rest of the file. line: number of
    the first row's line, from 1; of Parquet, of the row.
    """

    layout: Layout
    place: int
    length: int | None
    line: int


def plan_blocks(layout: Layout, size: int = PIECE_BYTES) -> list[Block]:
    """Divides a file into blocks of about `size` bytes, or of one row group of Parquet; a compressed file is one block.

    Raises:
      DataError: the file cannot be read, or has no row's end within 64 MiB.
    """
    with opened(layout.path) as stream:
        if layout.format == "parquet":
            metadata = pyarrow.parquet.ParquetFile(stream).metadata
            sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            starts = np.cumsum([1, *sizes])
            return [Block(layout, group, None, int(start)) for group, start in enumerate(starts[:-1])]
        if not _is_splittable(layout):
            return [Block(layout, layout.start, None, layout.line)]
        stream.seek(layout.start)
        found = pieces(stream.read, layout.start, layout.line, _dialect(layout), layout.path, size)
        return [Block(layout, piece.offset, len(piece.data), piece.line) for piece in found]


def num_pieces(layout: Layout) -> int:
    """Returns about how many pieces a file has that fit in memory together with what is computed from them."""
    if layout.format == "parquet":
        with opened(layout.path) as stream:
            return 1 + int(pyarrow.parquet.ParquetFile(stream).metadata.num_rows) // _PARQUET_ROWS
    with opened(layout.path) as stream:
        size = stream.seek(0, io.SEEK_END)
    return 1 + size * (_INFLATION if layout.compression else 1) // PIECE_BYTES


def read_block(block: Block, data: DataSettings) -> Iterator[Parsed]:
    """Yields the rows of a block, in parts that fit in memory.

    Raises:
      DataError: the file cannot be read, is damaged, or has no row's end within 64 MiB.
    """
    parse = parse_ratings if block.layout.table == "ratings" else parse_items
    for source in _sources(block):
        yield parse(source, block.layout, data)


def read_file(layout: Layout, data: DataSettings) -> Iterator[Parsed]:
    """Yields the rows of a whole file, in parts that fit in memory; see `read_block`."""
    whole = plan_blocks(layout) if layout.format == "parquet" else [Block(layout, layout.start, None, layout.line)]
    for block in whole:
        yield from read_block(block, data)


def read_sources(layout: Layout) -> Iterator[Source]:
    """Yields the fields of a whole file, in parts that fit in memory."""
    whole = plan_blocks(layout) if layout.format == "parquet" else [Block(layout, layout.start, None, layout.line)]
    for block in whole:
        yield from _sources(block)


def _sources(block: Block) -> Iterator[Source]:
    layout = block.layout
    with opened(layout.path) as stream:
        if layout.format == "parquet":
            yield from _row_group(pyarrow.parquet.ParquetFile(stream), block)
            return
        if _is_splittable(layout):
            stream.seek(block.place)
            if block.length is None:
                found = pieces(stream.read, block.place, block.line, _dialect(layout), layout.path)
            else:
                found = iter([Piece(read_exactly(stream.read, block.length), block.place, block.line)])
            is_raw = True
        else:
            read = utf_8_reader(decompressed(stream, layout.compression, layout.path), layout.encoding, layout.path)
            found = pieces(_after(read, block.place), block.place, block.line, _dialect(layout), layout.path)
            is_raw = False
        for piece in found:
            if layout.format == "jsonl":
                yield parse_json_lines(_converted(piece, layout.encoding) if is_raw else piece, layout)
            else:
                yield CsvSource(piece, layout, is_raw)


def _after(read: Callable[[int], bytes], start: int) -> Callable[[int], bytes]:
    """Skips the first bytes, and returns a function that reads on."""
    rest = b""
    while start > 0 and (part := read(PIECE_BYTES)):
        rest, start = part[start:], start - len(part)

    def read_on(size: int) -> bytes:
        nonlocal rest
        if rest:
            part, rest = rest, b""
            return part
        return read(size)

    return read_on


def _converted(piece: Piece, encoding: str) -> Piece:
    return piece._replace(data=as_utf_8(piece.data, encoding))


def _is_splittable(layout: Layout) -> bool:
    """Whether bytes of the file can be read from the middle."""
    return layout.compression is None and is_byte_wise(layout.encoding)


def _dialect(layout: Layout) -> Dialect | None:
    """Returns how records are separated; JSON's quotes contain no line ends."""
    return None if layout.format == "jsonl" else layout.dialect


def _row_group(file: pyarrow.parquet.ParquetFile, block: Block) -> Iterator[Source]:
    layout, line = block.layout, block.line
    assert layout.header
    names = [layout.header[position] for position in dict.fromkeys(layout.columns.values())]
    try:
        for batch in file.iter_batches(_PARQUET_ROWS, row_groups=[block.place], columns=names, use_threads=False):
            table = pyarrow.Table.from_batches([batch])
            yield TypedSource(table, np.arange(line, line + len(table)), layout)
            line += len(table)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{layout.path}: the Parquet file is damaged; get it again from its source: {error}") from error
