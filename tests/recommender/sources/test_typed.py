"""Parquet and JSON lines: the same rules as for CSV."""

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from data_rows import inferred, layout_of, parts_of, rows_of, table_of, written

from recommender.sources import blocks
from schemas.errors import DataError

MOMENT = datetime(2021, 1, 13, 10, 30, 5, tzinfo=timezone.utc)
SECONDS = 1610533805


def parquet(folder, columns: dict[str, Any], **options: Any) -> str:
    path = str(folder / "ratings.parquet")
    pyarrow.parquet.write_table(pa.table(columns), path, **options)
    return path


def json_lines(folder, *objects: Any, name: str = "ratings.jsonl") -> str:
    return written(folder, "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in objects), name)


@pytest.mark.parametrize(
    ("users", "text"),
    [
        (pa.array(["a ", "b"]), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array([b"a", b"b"], pa.binary()), ["a", "b"]),
        (pa.array([7, 8], pa.int64()), ["7", "8"]),
        (pa.array([7, 8], pa.uint8()), ["7", "8"]),
    ],
    ids=["string", "dictionary", "large", "binary", "int64", "uint8"],
)
def test_ids_of_every_type_are_text(tmp_path, users, text):
    path = parquet(tmp_path, {"user": users, "item": ["x", "y"], "rating": [4.0, 5.0]})
    assert rows_of(path, "user", "line") == list(zip(text, [1, 2], strict=True))


@pytest.mark.parametrize(
    ("ratings", "numbers"),
    [
        (pa.array([4, 5], pa.int8()), [4, 5]),
        (pa.array([Decimal("4.50"), Decimal("3.25")]), [4.5, 3.25]),
        (pa.array([4.5, 3], pa.float32()), [4.5, 3]),
        (pa.array(["4,5", "3"]), [4.5, 3]),
        (pa.array([True, False]), [1, 0]),
    ],
    ids=["int8", "decimal", "float32", "text", "boolean"],
)
def test_ratings_of_every_type_are_numbers(tmp_path, ratings, numbers):
    path = parquet(tmp_path, {"user": ["a", "b"], "item": ["x", "y"], "rating": ratings})
    assert table_of(path)["rating"].to_pylist() == numbers


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        (pa.array([MOMENT], pa.timestamp("ms", "America/Bogota")), SECONDS),
        (pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ns")), SECONDS),
        (pa.array([date(2021, 1, 13)]), 1610496000),
        (pa.array([SECONDS * 1000]), SECONDS),
        (pa.array([float(SECONDS)]), SECONDS),
        (pa.array(["2021-01-13T10:30:05Z"]), SECONDS),
        (pa.array([20210113]), 1610496000),
    ],
    ids=["zoned", "naive", "date", "milliseconds", "float", "text", "packed"],
)
def test_times_of_every_type_are_seconds(tmp_path, times, seconds):
    path = parquet(tmp_path, {"user": ["a"], "item": ["x"], "timestamp": times})
    assert rows_of(path, "timestamp") == [(seconds,)]


def test_absent_values_are_rejected_by_their_row(tmp_path):
    columns = {"user": ["a", None, "c", "d"], "item": ["x", "y", "z", "w"], "rating": [4.0, 5.0, None, np.nan]}
    path = parquet(tmp_path, columns)
    [part] = parts_of(path, max_reject_share=0.5)
    assert part.reasons == {"user is empty": 1, "rating is empty": 1, "rating is not a finite number": 1}
    assert [(reject.line, reject.reason) for reject in part.rejects] == [
        (2, "user is empty"),
        (3, "rating is empty"),
        (4, "rating is not a finite number"),
    ]
    assert json.loads(part.rejects[0].content) == {"user": None, "item": "y", "rating": 5.0}


def test_row_groups_are_blocks_and_rows_are_numbered_through(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "_PARQUET_ROWS", 4)
    columns = {"user": [f"u{n}" for n in range(25)], "item": ["x"] * 25, "other": [1] * 25}
    path = parquet(tmp_path, columns, row_group_size=10)
    layout = layout_of(path)
    planned = blocks.plan_blocks(layout)
    assert [(block.place, block.line) for block in planned] == [(0, 1), (1, 11), (2, 21)]
    assert rows_of(path, "user", "line") == [(f"u{n}", n + 1) for n in range(25)]
    assert len(parts_of(path)) == 3 + 3 + 2
    assert blocks.num_pieces(layout) == 1 + 25 // 4


def test_lists_of_genres_are_joined(tmp_path):
    columns = {"item_id": [1, 2, 3], "title": ["One", "", None], "genres": [["Drama", "Comedy"], [], None]}
    path = parquet(tmp_path, columns)
    assert rows_of(path, "item", "title", "genres", table="items", genre_separator=";") == [
        ("1", "One", "Drama;Comedy"),
        ("2", "2", ""),
        ("3", "3", ""),
    ]


def test_a_damaged_parquet_file_is_refused(tmp_path):
    columns = {"user": [f"u{n}" for n in range(1000)], "item": ["x"] * 1000}
    path = parquet(tmp_path, columns, compression="none", use_dictionary=False)
    content = (tmp_path / "ratings.parquet").read_bytes()
    written(tmp_path, content[:-20], "short.parquet")
    with pytest.raises(DataError, match="the Parquet file is damaged; get it again"):
        inferred(str(tmp_path / "short.parquet"))
    written(tmp_path, content[:200] + b"\xff" * 200 + content[400:], "ratings.parquet")
    with pytest.raises(DataError, match=r"ratings\.parquet: the Parquet file is damaged"):
        table_of(path)


def test_a_parquet_file_without_rows_is_refused(tmp_path):
    path = parquet(tmp_path, {"user": pa.array([], pa.string()), "item": pa.array([], pa.string())})
    with pytest.raises(DataError, match="a header and no rows; expected at least one row"):
        inferred(path)


def test_objects_are_rows_and_keys_are_columns(tmp_path):
    path = json_lines(
        tmp_path,
        {"user_id": "a", "item_id": "x", "rating": 4, "timestamp": SECONDS, "text": 'a "quote", {'},
        "",
        {"timestamp": SECONDS + 1, "rating": 3.5, "item_id": "y", "user_id": "b"},
    )
    assert layout_of(path).format == "jsonl"
    assert rows_of(path, "user", "item", "rating", "timestamp", "line") == [
        ("a", "x", 4.0, SECONDS, 1),
        ("b", "y", 3.5, SECONDS + 1, 3),
    ]


def test_damaged_lines_are_rejected_by_their_number(tmp_path):
    good = [{"user": f"u{n}", "item": "x", "rating": n % 5} for n in range(5)]
    path = json_lines(tmp_path, *good, '{"user": "a", "it', "[1, 2]", "null", '{"user": "a"}', *good)
    [part] = parts_of(path)
    assert [(reject.line, reject.reason) for reject in sorted(part.rejects)] == [
        (6, "not JSON: Unterminated string starting at"),
        (7, "not a JSON object"),
        (8, "not a JSON object"),
        (9, "item is empty"),
    ]
    assert part.table["line"].to_pylist() == [1, 2, 3, 4, 5, 10, 11, 12, 13, 14]


def test_ids_that_look_like_dates_stay_text(tmp_path):
    path = json_lines(tmp_path, *({"user": "2021-01-13", "item": f"00{n}", "rating": n} for n in range(5)))
    assert rows_of(path, "user", "item")[3] == ("2021-01-13", "003")


def test_keys_may_have_values_of_several_types(tmp_path):
    objects = [{"user": user, "item": "x", "rating": 3} for user in ("a", 7, 8.5, "07")]
    assert rows_of(json_lines(tmp_path, *objects), "user") == [("a",), ("7",), ("8.5",), ("07",)]


def test_numbers_may_be_texts_here_and_there(tmp_path):
    objects = [{"user": "a", "item": "x", "rating": rating} for rating in (4, "3.5", "good", None, 2)]
    [part] = parts_of(json_lines(tmp_path, *objects), max_reject_share=0.5)
    assert part.table["rating"].to_pylist() == [4.0, 3.5, 2.0]
    assert part.reasons == {"rating is not a finite number": 1, "rating is empty": 1}


def test_lists_of_genres_in_json_are_joined(tmp_path):
    objects = [{"item_id": "1", "title": "One", "genres": ["Drama", "Comedy"]}, {"item_id": "2", "genres": []}]
    path = json_lines(tmp_path, *objects, name="items.jsonl")
    assert rows_of(path, "item", "title", "genres", table="items") == [("1", "One", "Drama|Comedy"), ("2", "2", "")]


def test_a_key_that_comes_late_is_not_seen_and_does_no_harm(tmp_path):
    objects = [{"user": "a", "item": "x"}] * 3_000 + [{"user": "b", "item": "y", "rating": 3}]
    path = json_lines(tmp_path, *objects)
    assert set(layout_of(path).columns) == {"user", "item"} and len(table_of(path)) == 3_001


def test_what_only_begins_like_json_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected JSON lines, one object on each line, got '\{\"not json"):
        inferred(written(tmp_path, '{"not json\nat all\n'))
    with pytest.raises(DataError, match="expected JSON lines"):
        inferred(written(tmp_path, json.dumps({"user": [1, 2]}, indent=2)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_json_lines_may_have_another_encoding(tmp_path, encoding):
    text = '{"user": "josé", "item": "niño"}\n{"user": "ana", "item": "x"}\n'
    assert rows_of(written(tmp_path, text.encode(encoding)), "user", "item", "line")[0] == ("josé", "niño", 1)
