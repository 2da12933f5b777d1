from pathlib import Path

import pytest
from data_rows import data_settings, written

from recommender.sources.tables import read_tables
from schemas.errors import DataError
from schemas.settings import DataSettings

HEADER = "user_id,item_id,rating,timestamp\n"


def settings(folder: Path, **data: object) -> DataSettings:
    return data_settings(**{"folder": folder, "items": "", **data})


def write(folder: Path, *rows: str) -> None:
    written(folder, HEADER + "".join(f"{row}\n" for row in rows))


def test_usable_rows_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    write(tmp_path, "ann,tea,4,10", "ann,rum,many,11", "bob,tea,2", "bob,rum,3,12")
    tables = read_tables(settings(tmp_path, max_reject_share=0.5))
    found = tables.ratings.select(["user", "item", "line", "file"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("ann", "tea", 2, "ratings.csv"),
        ("bob", "rum", 5, "ratings.csv"),
    ]
    assert dict(tables.rejects) == {
        "rating is not a finite number": 1,
        "wrong number of fields: expected 4, got 3": 1,
    }
    assert tables.items.empty


def test_too_many_bad_rows_are_refused_with_their_reasons(tmp_path: Path) -> None:
    write(tmp_path, "ann,tea,4,10", "ann,rum,many,11")
    with pytest.raises(DataError, match=r"1 of 2 rows cannot be used.*max_reject_share.*1 x rating is not a finite"):
        read_tables(settings(tmp_path))
    write(tmp_path, ",rum,4,11")
    with pytest.raises(DataError, match="1 of 1 rows cannot be used"):
        read_tables(settings(tmp_path, max_reject_share=1.0))


def test_the_share_of_bad_rows_is_that_of_each_file(tmp_path: Path) -> None:
    written(tmp_path, HEADER + "ann,tea,4,10\n" * 100, "1.csv")
    written(tmp_path, HEADER + "ann,tea,4,10\nann,,4,11\n", "2.csv")
    with pytest.raises(DataError, match=r"2\.csv: 1 of 2 rows"):
        read_tables(settings(tmp_path, ratings="*.csv", max_reject_share=0.1))


def test_parts_are_read_together_with_their_items(tmp_path: Path) -> None:
    written(tmp_path, HEADER + "ann,Tea,4,10\n", "1.csv")
    written(tmp_path, HEADER + "bob,tea,3,11\neve,tea ,3,12\n", "2.csv")
    written(tmp_path, "item_id;title\nTEA;The tea\n", "items.csv")
    tables = read_tables(settings(tmp_path, ratings="[12].csv", items="items.csv", merge_names=True))
    assert tables.ratings["item"].to_pylist() == ["tea"] * 3
    assert tables.ratings["file"].to_pylist() == ["1.csv", "2.csv", "2.csv"]
    assert tables.items.to_numpy().tolist() == [["tea", "The tea", "", "items.csv", 2]]
    assert read_tables(settings(tmp_path, ratings="[12].csv")).ratings["item"].to_pylist() == ["Tea", "tea", "tea"]


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: no such file; give the path .*data\.ratings"):
        read_tables(settings(tmp_path, ratings="absent.csv"))
