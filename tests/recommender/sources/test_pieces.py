"""Pieces cover a file and change neither records nor line numbers."""

import io
import tracemalloc

import pytest

from recommender.sources import pieces as module
from recommender.sources.pieces import pieces
from recommender.sources.records import Dialect, find_records
from schemas.errors import DataError

COMMA = Dialect(b",", 0)
ROWS = b'a,"b\nc",d\r\n\r\n"e ""f"", ",g,h\rx,y,z\n' * 20


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("stray", [b"", b'"never closed,x,x\n'])
def test_pieces_cover_the_rows_and_keep_records_and_lines(size, stray):
    content = ROWS + stray + ROWS
    whole = find_records(content, 5, COMMA)
    starts, lines = [], []
    end = 100
    for piece in pieces(io.BytesIO(content).read, 100, 5, COMMA, "x.csv", size):
        assert piece.offset == end
        end += len(piece.data)
        found = find_records(piece.data, piece.line, COMMA)
        starts += (found.starts + piece.offset - 100).tolist()
        lines += found.lines.tolist()
    assert end == 100 + len(content)
    assert (starts, lines) == (whole.starts.tolist(), whole.lines.tolist())


def test_without_a_dialect_each_line_is_a_record():
    content = b'{"a": "\n{"b": 2}\n{"c": 3}\n'
    found = list(pieces(io.BytesIO(content).read, 0, 1, None, "x.jsonl", 10))
    assert b"".join(piece.data for piece in found) == content
    assert [piece.line for piece in found] == [1, 2, 3]


def test_a_quote_that_is_not_closed_does_not_fill_memory():
    rows = b"1,2,3\n" * 500_000
    tracemalloc.start()
    try:
        found = list(pieces(io.BytesIO(b'1,"never closed,3\n' + rows).read, 0, 1, COMMA, "x.csv", 1 << 16))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) > 10 and sum(len(piece.data) for piece in found) == 18 + len(rows)
    assert peak < 20 << 20


def test_data_without_a_rows_end_is_refused(monkeypatch):
    monkeypatch.setattr(module, "_GIVEN_UP_AFTER", 1 << 16)
    with pytest.raises(DataError, match=r"x\.csv: line 3: no end of the row within .* begins with 'zzz"):
        list(pieces(io.BytesIO(b"z" * (1 << 18)).read, 0, 3, COMMA, "x.csv", 1 << 12))
