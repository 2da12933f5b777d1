"""Headers, blocks and record ends, against the standard library's csv reader and by hand."""

import csv
import io
import random

import pytest

from recommender.sources.parsing import check_header, find_records, plan_blocks, read_header
from schemas.errors import DataError
from schemas.settings import DataSettings

DATA = DataSettings(folder="data")
HEADER = b"user_id,item_id,rating,timestamp\n"


def read(content: bytes, data: DataSettings = DATA, table="ratings"):
    return read_header(io.BytesIO(content), "ratings.csv", data, table)


def records(content: bytes) -> list[tuple[int, bytes]]:
    found = find_records(content, 1, ",")
    return [
        (line, content[start:stop]) for line, start, stop in zip(found.lines, found.starts, found.stops, strict=True)
    ]


def test_the_header_is_found_after_a_byte_order_mark_and_blank_lines():
    header = read(b'\xef\xbb\xbf\r\n"user_id" ,when,item_id,rating,timestamp\r\n\r\n1,x,2,3,4\r\n')
    assert header.num_fields == 5
    assert header.positions == {"user": 0, "item": 2, "rating": 3, "timestamp": 4}
    assert header.line == 4


def test_columns_are_found_under_the_names_in_the_settings():
    data = DataSettings(
        folder="data", delimiter="\t", columns={"user": "u", "item": "i", "rating": "r", "timestamp": "t"}
    )
    assert read(b"t\tr\ti\tu\n1\t2\t3\t4\n", data).positions == {"user": 3, "item": 2, "rating": 1, "timestamp": 0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"\n\n", ["empty"]),
        (HEADER, ["no rows"]),
        (b"user_id,item,rating,timestamp\n1,2,3,4\n", ["'item_id'", "'item'", "data.columns.item"]),
        ("user_id,item_id\n1,2\n".encode("utf-16"), ["user_id", "data.columns.user"]),
    ],
)
def test_a_file_without_header_rows_or_column_is_refused(content, words):
    with pytest.raises(DataError) as error:
        read(content)
    assert all(word in str(error.value) for word in ["ratings.csv", *words])


def test_an_items_file_names_its_own_settings():
    with pytest.raises(DataError, match="item_columns"):
        read(b"item_id,title\n1,x\n", table="items")


def test_a_local_file_is_checked(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(HEADER + b"1,2,3,4\n")
    check_header(path, DATA, "ratings")
    path.write_bytes(HEADER)
    with pytest.raises(DataError, match="no rows"):
        check_header(path, DATA, "ratings")


def test_lines_are_counted_through_quoted_newlines_blank_lines_and_carriage_returns():
    content = b'a,b\r\n"c\nd",e\r\n\r\n\nf,"g ""h"",\ni"\nj'
    assert records(content) == [(1, b"a,b"), (2, b'"c\nd",e'), (6, b'f,"g ""h"",\ni"'), (8, b"j")]


def test_a_stray_quote_does_not_swallow_the_rows_after_it():
    content = b'1,"open\n2,12" vinyl\n3,"Great Expectations" Live\n4,"x, y"\n"5,\n'
    assert [line for line, _ in records(content)] == [1, 2, 3, 4, 5]
    assert find_records(content, 1, ",").quoted.tolist() == [[content.index(b'"x'), content.index(b'y"') + 2]]


def test_a_quoted_newline_far_into_the_file_ends_no_record():
    rows = b"1,2,3,4\n" * 10_000
    assert records(rows + b'5,"a\nb",3,4\n')[-1] == (10_001, b'5,"a\nb",3,4')


def test_a_quote_that_is_closed_too_far_away_is_an_ordinary_character():
    content = b'1,"open\n' + b"2,3\n" * 20_000 + b'4,"\n'
    assert len(records(content)) == 20_002


def random_csv(seed: int) -> bytes:
    chooser = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=chooser.choice(["\n", "\r\n"]))
    writer.writerows(
        [["".join(chooser.choices('ab",\n ', k=chooser.randint(1, 6))) for _ in range(3)] for _ in range(200)]
    )
    return text.getvalue().encode()


@pytest.mark.parametrize("seed", range(5))
def test_records_are_those_of_the_standard_library(seed):
    content = random_csv(seed)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert [next(csv.reader(io.StringIO(record.decode(), newline=""))) for _, record in records(content)] == rows


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("stray", [b"", b'"never closed,x,x\n'])
def test_blocks_cover_the_rows_and_change_neither_records_nor_lines(size, stray):
    content = HEADER + random_csv(1) + stray + random_csv(2)
    stream = io.BytesIO(content)
    header = read_header(stream, "ratings.csv", DATA, "ratings")
    blocks = list(plan_blocks(stream, header, ",", size))
    assert b"".join(content[offset : offset + length] for offset, length, _ in blocks) == content[header.end :]
    found = []
    for offset, length, line in blocks:
        data = content[offset : offset + length]
        parts = find_records(data, line, ",")
        found += [(n, data[a:b]) for n, a, b in zip(parts.lines, parts.starts, parts.stops, strict=True)]
    assert found == records(content)[1:]
