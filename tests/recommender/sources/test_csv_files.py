from pathlib import Path

import pytest

from recommender.sources.csv_files import read_tables
from schemas.errors import DataError
from schemas.settings import DataSettings


def settings(folder: Path, **changes: object) -> DataSettings:
    return DataSettings.model_validate({"folder": folder, "items": "", **changes})


def write(folder: Path, *rows: str) -> None:
    (folder / "ratings.csv").write_text("\n".join(["user_id,item_id,rating,timestamp", *rows]) + "\n")


def test_usable_rows_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    write(tmp_path, "ann,tea,4,10", "ann,rum,many,11", "bob,tea,2", "bob,rum,3,12")
    tables = read_tables(settings(tmp_path, max_reject_share=0.5))
    assert tables.ratings[["user", "item"]].to_numpy().tolist() == [["ann", "tea"], ["bob", "rum"]]
    assert dict(tables.rejects) == {
        "rating is not a finite number": 1,
        "wrong number of fields: the header has 4, the row 3": 1,
    }
    assert tables.items.empty


def test_too_many_bad_rows_are_refused_with_their_reasons(tmp_path: Path) -> None:
    write(tmp_path, "ann,tea,4,10", "ann,rum,many,11")
    with pytest.raises(DataError, match=r"1 of 2 rows cannot be used.*max_reject_share.*1 x rating is not a finite"):
        read_tables(settings(tmp_path))
    write(tmp_path, "ann,rum,many,11")
    with pytest.raises(DataError, match="1 of 1 rows cannot be used"):
        read_tables(settings(tmp_path, max_reject_share=1.0))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read: No such file"):
        read_tables(settings(tmp_path, ratings="absent.csv"))
