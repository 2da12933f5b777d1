"""Rows into typed columns; every unusable row is refused with its line and reason, and its neighbours stay."""

import gzip
import math
from datetime import datetime, timezone

import pytest
from data_rows import data_settings, parts_of, rows_of, table_of, written

from recommender.sources.columns import LONGEST_ID
from recommender.sources.rows import Parsed

HEADER = "user_id,item_id,rating,timestamp\n"
COLUMNS = {"user": "user_id", "item": "item_id", "rating": "rating", "timestamp": "timestamp"}


def parsed(folder, content: str | bytes, header: str = HEADER, **data) -> Parsed:
    raw = content.encode() if isinstance(content, str) else content
    [part] = parts_of(written(folder, header.encode() + raw), **data)
    return part


def test_ids_are_strings_and_keep_leading_zeros(tmp_path):
    found = parsed(tmp_path, '007, 12 ,4.5,881250949\n"a ""b"", c","d  e",1e0, 881250949.75\n')
    assert found.table.to_pylist() == [
        {"user": "007", "item": "12", "rating": 4.5, "timestamp": 881250949, "weight": 1.0, "line": 2},
        {"user": 'a "b", c', "item": "d  e", "rating": 1.0, "timestamp": 881250949, "weight": 1.0, "line": 3},
    ]


@pytest.mark.parametrize(
    ("row", "reason", "value"),
    [
        (b"1,2,3", "wrong number of fields: expected 4, got 3", ""),
        (b"1,2,3,4,5", "wrong number of fields: expected 4, got 5", ""),
        (b" ,2,3,4", "user is empty", ""),
        (b"1,,3,4", "item is empty", ""),
        (b"1,2,,4", "rating is empty", ""),
        (b"NULL,2,3,4", "user is a null value", "NULL"),
        (b"1,\\N,3,4", "item is a null value", "\\N"),
        (b"1,undefined,3,4", "item is a null value", "undefined"),
        (b"1,2,nan,4", "rating is a null value", "nan"),
        (b"1,2,good,4", "rating is not a finite number", "good"),
        (b"1,2,inf,4", "rating is not a finite number", "inf"),
        (b"1,2,5.5,4", "rating is outside data.rating_scale [0.5, 5]", "5.5"),
        (b"1,2,3,", "timestamp is empty", ""),
        (b"1,2,3,NULL", "timestamp is a null value", "NULL"),
        (b"1,2,3,May", "timestamp does not fit the format 'unix'", "May"),
        (b"1,2,3,881250949000", "timestamp is beyond the year 9999 in the format 'unix'", "881250949000"),
        (b"1,\xff,3,4", "item is not UTF-8", ""),
        (b"1,2,\xff,4", "rating is not UTF-8", ""),
        (b"1,2,3,\xff", "timestamp is not UTF-8", ""),
        (b'1,"a\nb",3,4', "item contains a line break", "a\nb"),
        (b'1,"a\rb",3,4', "item contains a line break", "a\rb"),
        (b"1," + b"x" * 5000 + b",3,4", f"item is longer than {LONGEST_ID:,} bytes", "x" * 200),
    ],
)
def test_a_row_is_refused_with_line_and_reason_and_its_neighbours_stay(tmp_path, row, reason, value):
    content = b'1,"x ""y""",3,4\r\n\r\n' + row + b"\r\n1,2,3,4\r\n"
    data = {"timestamp_format": "unix", "rating_scale": (0.5, 5), "encoding": "utf-8", "max_reject_share": 0.5}
    found = parsed(tmp_path, content, columns=COLUMNS, **data)
    assert [(reject.line, reject.reason, reject.value) for reject in found.rejects] == [(4, reason, value)]
    assert found.rejects[0].content == row.decode(errors="replace")[:200]
    assert found.rejects[0].file.endswith("ratings.csv")
    assert found.reasons == {reason: 1}
    assert found.table["line"].to_pylist() == [2, 5 + row.count(b"\n") + row.count(b"\r")]


def test_where_many_rows_have_no_rating_or_time_these_rows_are_kept(tmp_path):
    rows = ["user,item,rating,timestamp", *(f"a,x{n},{n % 5},{1_600_000_000 + n}" for n in range(120))]
    rows += ["a,y,,1600000100", "b,y,4,NULL", "b,z,nan,1600000101", "c,z,3,"]
    [found] = parts_of(written(tmp_path, "\n".join(rows) + "\n"))
    assert found.reasons == {} and len(found.table) == 124
    assert found.table["rating"].to_pylist()[-4:] == [None, 4.0, None, 3.0]
    assert found.table["timestamp"].to_pylist()[-4:] == [1600000100, None, 1600000101, None]
    assert [(note.code, note.line, note.number) for note in found.notes] == [
        ("no-rating", 122, 2),
        ("no-timestamp", 123, 2),
    ]
    [few] = parts_of(written(tmp_path, "\n".join(rows[:-1]) + "\n"))
    assert few.reasons == {"timestamp is a null value": 1}, (
        "one of 123 is within the share of rejects and no reason to keep it"
    )


def test_a_file_may_hold_no_usable_row(tmp_path):
    found = parsed(tmp_path, ",2,3,4\n1,,3,4\n", timestamp_format="unix")
    assert len(found.table) == 0 and set(found.table.column_names) >= {"user", "item", "rating", "timestamp", "weight"}
    assert [reject.line for reject in found.rejects] == [2, 3]


def test_timestamps_follow_the_format_in_utc(tmp_path):
    content = "1,2,3,12/04/1997 15:55\n1,2,3,13/04/1997 15:55\n"
    found = parsed(tmp_path, content, timestamp_format="%m/%d/%Y %H:%M")
    assert found.table["timestamp"].to_pylist() == [881250900]  # 1997-12-04 15:55 UTC
    assert [reject.line for reject in found.rejects] == [3]


def test_timestamps_from_the_year_9999_backward_are_seconds(tmp_path):
    last = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc).timestamp())
    written_times = [last - 86_400, last + 1, -last, -last - 1, last + 0.5, 0, -1, -0.5]
    content = "".join(f"1,2,3,{seconds}\n" for seconds in written_times)
    found = parsed(tmp_path, content, timestamp_format="unix")
    assert found.table["line"].to_pylist() == [2, 4, 7, 8, 9]
    assert [reject.line for reject in found.rejects] == [3, 5, 6]
    assert found.reasons == {"timestamp is beyond the year 9999 in the format 'unix'": 3}
    assert found.table["timestamp"].to_pylist()[:2] == [last - 86_400, -last]


def test_placeholders_are_no_times(tmp_path):
    rows = "".join(f"u{row},i{row % 3},{row % 5},2021-03-{1 + row:02} 10:00:00\n" for row in range(20))
    found = parsed(tmp_path, rows + "u1,i1,4,1900-01-01 00:00:00\nu2,i1,4,9999-12-31 00:00:00\n")
    assert found.table["timestamp"].to_pylist()[-2:] == [None, None]
    assert found.table["timestamp"].null_count == 2
    [note] = found.notes
    assert (note.code, note.line, note.value, note.number) == ("placeholder-time", 22, "1900-01-01 00:00:00", 2)


def test_without_ratings_and_times_both_are_null(tmp_path):
    found = parsed(tmp_path, "a,x\nb,y\n", "user_id,item_id\n")
    assert found.table.to_pylist() == [
        {"user": "a", "item": "x", "rating": None, "timestamp": None, "weight": 1.0, "line": 2},
        {"user": "b", "item": "y", "rating": None, "timestamp": None, "weight": 1.0, "line": 3},
    ]


def test_counts_weigh_like_their_logarithm(tmp_path):
    path = written(tmp_path, "user,artist,plays\na,x,1\na,y,7\nb,x,0\nb,y,1.023\nb,z,-2\n")
    assert rows_of(path, "rating", "weight") == [(None, 1.0), (None, 3.0), (None, pytest.approx(math.log2(2.023)))]
    [part] = parts_of(path)
    assert part.reasons == {"count is not above 0": 2}
    assert rows_of(path, "rating", "weight", rating_means="rating")[1] == (7.0, 1.0)


def test_a_column_of_another_name_may_hold_counts(tmp_path):
    path = written(tmp_path, "user,artist,score\na,x,3\nb,y,15\n")
    assert rows_of(path, "rating", "weight", rating_means="count") == [(None, 2.0), (None, 4.0)]


def test_a_value_may_mean_that_there_is_no_rating(tmp_path):
    path = written(tmp_path, "User-ID;ISBN;Book-Rating\n1;a;0\n1;b;8\n2;a;-1\n")
    data = {"no_rating": (0, -1), "rating_scale": (1, 10)}
    assert rows_of(path, "item", "rating", "weight", **data) == [("a", None, 1.0), ("b", 8.0, 1.0), ("a", None, 1.0)]


EVENTS = "user,item,event\n" + "a,x,view\na,y,addtocart\nb,x,View\nb,y,scroll\nb,z,transaction\n" * 4


def test_events_have_the_weights_of_their_types_letter_case_apart(tmp_path):
    [part] = parts_of(written(tmp_path, EVENTS), events={"view": 1, "addtocart": 3, "transaction": 5.5})
    found = part.table
    assert found["event"].to_pylist()[:4] == ["view", "addtocart", "View", "transaction"]
    assert found["weight"].to_pylist()[:4] == [1, 3, 1, 5.5]
    assert (len(found), part.left_out, part.rejects) == (16, 4, [])
    notes = {(note.code, note.line, note.value, note.number) for note in part.notes}
    assert notes == {("event-letter-case", 4, "View", 4), ("event-without-weight", 5, "scroll", 4)}


def test_without_weights_every_type_counts(tmp_path):
    [part] = parts_of(written(tmp_path, EVENTS))
    assert set(part.table["weight"].to_pylist()) == {1.0} and len(part.table) == 20


def test_a_weight_of_0_leaves_a_type_out(tmp_path):
    [part] = parts_of(written(tmp_path, EVENTS), events={"view": 1, "addtocart": 0, "transaction": 5, "scroll": 0})
    assert (len(part.table), part.left_out) == (12, 8)


def test_an_event_without_type_is_refused(tmp_path):
    [part] = parts_of(written(tmp_path, EVENTS + "c,x,\n"))
    assert part.reasons == {"event is empty": 1}


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (("4,5", "3", "1.234,5"), [4.5, 3, 1234.5]),
        (("4.5", "3", "1,234.5"), [4.5, 3, 1234.5]),
        (("4,5", "3,0", "1 234"), [4.5, 3, 1234]),
    ],
)
def test_the_decimal_mark_is_found(tmp_path, values, numbers):
    path = written(tmp_path, "user;item;rating\n" + "".join(f"u;i{value};{value}\n" for value in values))
    assert [rating for (rating,) in rows_of(path, "rating")] == numbers


def test_ratings_too_large_for_the_models_are_refused(tmp_path):
    found = parsed(tmp_path, "1,2,3,4\n1,2,1e10,4\n", timestamp_format="unix", columns=COLUMNS)
    assert found.reasons == {"rating is beyond 1,000,000,000": 1}


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_text_is_the_same_in_every_encoding(tmp_path, encoding, compress):
    text = "usuario;título;calificación\n" + "ana;Amélie;4,5\nluis;El niño «único»;3\n" * 3
    path = written(tmp_path, compress(text.encode(encoding)))
    columns = {"columns": {"item": "título"}}
    assert rows_of(path, "user", "item", "rating", "line", **columns)[:2] == [
        ("ana", "Amélie", 4.5, 2),
        ("luis", "El niño «único»", 3.0, 3),
    ]


def test_items_fall_back_to_their_id_and_may_lack_genres(tmp_path):
    path = written(tmp_path, "title,x,item_id\nAlien,x,1\n,x,02\nHeat,x,\nA  long\t title ,x,3\n", "items.csv")
    assert table_of(path, "items").to_pylist() == [
        {"item": "1", "title": "Alien", "genres": "", "line": 2},
        {"item": "02", "title": "02", "genres": "", "line": 3},
        {"item": "3", "title": "A long title", "genres": "", "line": 5},
    ]
    assert parts_of(path, "items")[0].reasons == {"item is empty": 1}


def test_a_title_may_have_line_ends(tmp_path):
    path = written(tmp_path, 'item_id,title,genres\n1,"Alien\n(1979)",Horror|Sci-Fi\n2,Heat,\n', "items.csv")
    assert rows_of(path, "item", "title", "genres", "line", table="items") == [
        ("1", "Alien (1979)", "Horror|Sci-Fi", 2),
        ("2", "Heat", "", 4),
    ]


def test_null_values_can_be_set(tmp_path):
    found = parsed(tmp_path, "0,x,3,4\nNULL,x,3,5\n", null_values=("0",), timestamp_format="unix")
    assert found.table["user"].to_pylist() == ["NULL"]
    assert data_settings().null_values[0] == "NULL"
