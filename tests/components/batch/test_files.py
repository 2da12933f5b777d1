import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.batch.files import write_parquet

SCHEMA = pa.schema([("number", pa.int32())])


def tables(*sizes: int):
    for size in sizes:
        yield pa.table({"number": range(size)}, SCHEMA)


def test_each_table_is_a_row_group(tmp_path):
    path = tmp_path / "numbers.parquet"
    write_parquet(tables(3, 2), SCHEMA, path)
    assert pq.read_table(path)["number"].to_pylist() == [0, 1, 2, 0, 1]
    assert pq.read_metadata(path).num_row_groups == 2
    write_parquet(tables(), SCHEMA, path)
    assert pq.read_table(path).schema == SCHEMA and len(pq.read_table(path)) == 0
    assert os.listdir(tmp_path) == ["numbers.parquet"]


def test_what_is_broken_off_leaves_the_earlier_file_alone(tmp_path):
    path = tmp_path / "numbers.parquet"
    write_parquet(tables(3), SCHEMA, path)

    def broken():
        yield from tables(5)
        # While it is written, readers of the folder do not see it.
        assert len(pq.read_table(tmp_path)) == 3
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(broken(), SCHEMA, path)
    assert os.listdir(tmp_path) == ["numbers.parquet"]
    assert len(pq.read_table(path)) == 3


def test_a_path_need_not_be_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"n\xfcmbers.parquet")
    write_parquet(tables(3), SCHEMA, path)
    with path.open("rb") as file:
        assert len(pq.read_table(file)) == 3


def test_an_error_gives_its_reason_without_the_unfinished_file(tmp_path):
    with pytest.raises(OSError) as error:
        write_parquet(tables(3), SCHEMA, tmp_path / "absent" / "numbers.parquet")
    assert error.value.strerror == "No such file or directory"
