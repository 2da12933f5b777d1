from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from components.example_gen import writing


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_of_records_is_whole_or_not_there(tmp_path):
    def broken() -> Iterator[list[bytes]]:
        yield [b"a"] * 1000
        raise RuntimeError("a worker's end")

    split = tmp_path / "Split-train"
    with pytest.raises(RuntimeError, match="a worker's end"):
        writing._write_records(str(split), 0, 1, broken())
    assert _files(tmp_path) == []
    for _ in range(2):  # a second worker, since the first was taken for lost
        writing._write_records(str(split), 0, 1, [[b"a"], [b"b"]])
    assert _files(tmp_path) == ["Split-train/data_tfrecord-00000-of-00001.gz"]
    [path] = split.iterdir()
    assert list(tf.data.TFRecordDataset(str(path), compression_type="GZIP").as_numpy_iterator()) == [b"a", b"b"]
