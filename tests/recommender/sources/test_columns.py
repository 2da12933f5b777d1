"""Rows into typed columns; every unusable row is refused with its line and reason, and its neighbours stay."""

from datetime import datetime, timezone

import pytest

from recommender.sources.columns import parse_items, parse_ratings
from recommender.sources.parsing import Block, Header
from schemas.settings import DataSettings

HEADER = Header(num_fields=4, positions={"user": 0, "item": 1, "rating": 2, "timestamp": 3}, end=0, line=1)


def block(header: Header = HEADER) -> Block:
    return Block("/data/ratings.csv", "ratings.csv", header, 0, 0, 2)


def ratings(content: bytes, **settings):
    return parse_ratings(content, block(), DataSettings(folder="data", **settings))


def test_ids_are_strings_and_keep_leading_zeros():
    table = ratings(b'007, 12 ,4.5,881250949\n"a ""b"", c","d\ne",1e0, 881250949.75\n').table
    assert table.to_pylist() == [
        {"user": "007", "item": "12", "rating": 4.5, "timestamp": 881250949, "line": 2},
        {"user": 'a "b", c', "item": "d\ne", "rating": 1.0, "timestamp": 881250949, "line": 3},
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1,2,3", "wrong number of fields: the header has 4, the row 3"),
        (b"1,2,3,4,5", "wrong number of fields: the header has 4, the row 5"),
        (b" ,2,3,4", "user is empty"),
        (b"1,,3,4", "item is empty"),
        (b"1,2,,4", "rating is empty"),
        (b"1,2,good,4", "rating is not a finite number"),
        (b"1,2,nan,4", "rating is not a finite number"),
        (b"1,2,inf,4", "rating is not a finite number"),
        (b"1,2,5.5,4", "rating is outside data.rating_scale [0.5, 5]"),
        (b"1,2,3,", "timestamp is empty"),
        (b"1,2,3,May", "timestamp does not fit data.timestamp_format 'unix'"),
        (b"1,2,3,881250949000", "timestamp is beyond the year 9999; expected seconds"),
        (b"1,\xff,3,4", "item is not UTF-8"),
        (b'1,2,"3"\rx,4', "rating is not a finite number"),
    ],
)
def test_a_row_is_refused_with_line_and_reason_and_its_neighbours_stay(row, reason):
    content = b'1,"x\ny",3,4\r\n\r\n' + row + b"\r\n1,2,3,4\r\n"
    parsed = ratings(content, rating_scale=(0.5, 5))
    assert [(reject.file, reject.line, reject.reason) for reject in parsed.rejects] == [("ratings.csv", 5, reason)]
    assert parsed.rejects[0].content == row.decode(errors="replace").rstrip("\n")
    assert parsed.reasons == {reason: 1}
    assert parsed.table["line"].to_pylist() == [2, 6]


def test_a_block_may_hold_no_usable_row():
    parsed = ratings(b"1\n2\n")
    assert len(parsed.table) == 0
    assert [reject.line for reject in parsed.rejects] == [2, 3]


def test_timestamps_follow_the_format_in_utc():
    parsed = ratings(b"1,2,3,12/04/1997 15:55\n1,2,3,13/04/1997 15:55\n", timestamp_format="%m/%d/%Y %H:%M")
    assert parsed.table["timestamp"].to_pylist() == [881250900]  # 1997-12-04 15:55 UTC
    assert [reject.line for reject in parsed.rejects] == [3]


def test_timestamps_from_the_year_9999_backward_are_seconds():
    last = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp())
    written = [last, last + 1, -last, -last - 1, last + 0.5, 0, -1, -0.5]
    parsed = ratings("".join(f"1,2,3,{seconds}\n" for seconds in written).encode())
    assert parsed.table["timestamp"].to_pylist() == [last, -last, 0, -1, -1]
    assert [reject.line for reject in parsed.rejects] == [3, 5, 6]
    assert parsed.reasons == {"timestamp is beyond the year 9999; expected seconds": 3}


def test_items_fall_back_to_their_id_and_may_lack_genres():
    header = Header(3, {"item": 2, "title": 0}, 0, 1)
    parsed = parse_items(b"Alien,x,1\n,x,02\nHeat,x,\n", block(header), DataSettings(folder="data"))
    assert parsed.table.to_pylist() == [
        {"item": "1", "title": "Alien", "genres": "", "line": 2},
        {"item": "02", "title": "02", "genres": "", "line": 3},
    ]
    assert parsed.reasons == {"item is empty": 1}
