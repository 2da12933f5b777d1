from pathlib import Path

import pytest
import tensorflow as tf

from recommender.interactions.examples import (
    INTEGER,
    OPTIONAL_TEXT,
    TEXT,
    TEXTS,
    read_batches,
    read_columns,
    read_records,
)
from schemas.errors import DataError

SPEC = {"item_id": TEXT, "title": OPTIONAL_TEXT, "genres": TEXTS, "popularity": INTEGER}


def write(path: Path, *rows: tuple[bytes, list[bytes], int]) -> None:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for item, genres, popularity in rows:
            feature = {
                "item_id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[item])),
                "genres": tf.train.Feature(bytes_list=tf.train.BytesList(value=genres)),
                "popularity": tf.train.Feature(int64_list=tf.train.Int64List(value=[popularity])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "b.gz", (b"three", [b"x"], 3))
    write(tmp_path / "a.gz", *((b"i%d" % number, [b"y", b"z"][: number % 3], number) for number in range(9_000)))
    return tmp_path


def test_columns_are_joined_over_files_and_batches_in_the_order_of_names(folder: Path) -> None:
    columns = read_columns([f"{folder}/*"], SPEC)
    assert columns["popularity"].tolist() == [*range(9_000), 3]
    assert columns["item_id"][-1] == b"three" and columns["title"][0] == b""
    values, splits = columns["genres"]
    assert values[splits[8_999] : splits[9_000]].tolist() == [b"y", b"z"] and values[splits[9_000] :].tolist() == [b"x"]
    assert splits[-1] == len(values) and len(splits) == 9_002


def test_batches_are_bounded_and_records_come_as_written(folder: Path) -> None:
    assert [len(batch["item_id"]) for batch in read_batches([f"{folder}/*"], SPEC)] == [8_192, 809]
    assert sum(1 for _ in read_records([f"{folder}/b*"])) == 1


def test_absent_and_empty_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file matches .*/none\*; run the data steps again"):
        read_columns([f"{tmp_path}/none*"], SPEC)
    write(tmp_path / "empty.gz")
    with pytest.raises(DataError, match=r"no examples in .*/empty\*"):
        read_columns([f"{tmp_path}/empty*"], SPEC)
