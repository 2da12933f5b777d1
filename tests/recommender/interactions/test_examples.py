from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.examples import (
    EVENT,
    INTEGER,
    OPTIONAL_TEXT,
    TEXT,
    TEXTS,
    Vocabularies,
    read_batches,
    read_columns,
    read_dataset,
    read_records,
)
from recommender.interactions.interactions import NO_TIME
from schemas.errors import DataError

Example = Mapping[str, list[int] | list[float] | list[bytes]]
USERS, ITEMS, GENRES, WORDS = [b"ann", b"bob"], [b"gin", b"rum", b"tea"], [b"drink"], [b"dark", b"tea"]
VOCABULARIES = Vocabularies(USERS, ITEMS, GENRES, WORDS)
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


def _feature(values: list[int] | list[float] | list[bytes]) -> tf.train.Feature:
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def write_examples(path: Path, *examples: Example) -> str:
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for example in examples:
            features = {name: _feature(values) for name, values in example.items() if values}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return str(path)


def rating(user: int, item: int, stars: float, time: int, weight: float = 1.0, position: int = 0) -> Example:
    """Returns an example of ids by their index; the one after the last is unknown."""
    return {
        **{"user_id": [[*USERS, b"eve"][user]], "item_id": [[*ITEMS, b"ale"][item]]},
        **{"rating": [stars], "timestamp": [time], "weight": [weight], "position": [position]},
    }


def candidate(item: int, title: bytes, genres: list[bytes], words: list[bytes]) -> Example:
    return {"item_id": [[*ITEMS, b"ale"][item]], "title": [title], "genres": genres, "title_words": words}


@pytest.fixture
def candidates(tmp_path: Path) -> str:
    """The catalogue, out of the order of the vocabulary; tea has no genre and gin no title."""
    return write_examples(
        tmp_path / "candidates.gz",
        candidate(2, b"Tea (1999)", [], [b"dark", b"tea"]),
        {"item_id": [b"gin"], "genres": [b"drink"]},
        candidate(1, b"Dark rum", [b"drink", b"food"], [b"rum", b"dark"]),
    )


def test_a_dataset_has_the_items_in_the_order_of_the_vocabulary(tmp_path: Path, candidates: str) -> None:
    first = write_examples(tmp_path / "train-0.gz", rating(1, 2, 4.0, 20, position=1), rating(0, 1, 3.0, 30))
    second = write_examples(tmp_path / "train-1.gz", rating(1, 0, 5.0, 10))
    dataset = read_dataset([first, second], [candidates], VOCABULARIES)
    assert (dataset.users, dataset.items, dataset.genres) == ([b"ann", b"bob"], [b"gin", b"rum", b"tea"], [b"drink"])
    assert dataset.titles.tolist() == [b"", b"Dark rum", b"Tea (1999)"]
    catalogue = dataset.catalogue
    assert (catalogue.num_users, catalogue.num_genres, catalogue.num_title_words) == (2, 1, 2)
    assert catalogue.genres.values.tolist() == [0, 0, 1] and catalogue.genres.row_splits.tolist() == [0, 1, 3, 3]
    assert catalogue.title_words.values.tolist() == [2, 0, 0, 1]
    assert catalogue.title_words.row_splits.tolist() == [0, 0, 2, 4]
    assert np.diff(catalogue.release_periods.row_splits).tolist() == [0, 0, 1]
    assert catalogue.genres.values.dtype == catalogue.title_words.values.dtype == np.int32
    events = dataset.interactions
    assert events.user.tolist() == [0, 1, 1] and events.item.tolist() == [1, 0, 2]
    assert events.rating.tolist() == [3.0, 5.0, 4.0] and events.timestamp.tolist() == [30, 10, 20]
    assert (events.num_users, events.num_items) == (2, 3)


def test_a_dataset_has_the_events_of_known_users_with_known_items(tmp_path: Path, candidates: str) -> None:
    file = write_examples(tmp_path / "train.gz", rating(0, 1, 3.0, 1), rating(2, 1, 1.0, 2), rating(1, 3, 1.0, 3))
    events = read_dataset([file], [candidates], VOCABULARIES).interactions
    assert events.user.tolist() == [0] and events.item.tolist() == [1]


def test_a_dataset_has_the_weights_and_the_order_of_events_without_rating_and_time(
    tmp_path: Path, candidates: str
) -> None:
    rows = [rating(1, item, 4.0, 20, weight, position) for item, weight, position in ((0, 2.0, 2), (1, 0.5, 0))]
    bare = {name: value for name, value in rating(1, 2, 4.0, 20, 3.0, 1).items() if name not in ("rating", "timestamp")}
    events = read_dataset([write_examples(tmp_path / "train.gz", *rows, bare)], [candidates], VOCABULARIES).interactions
    assert events.item.tolist() == [1, 2, 0] and events.position.tolist() == [0, 1, 2]
    assert events.weight.tolist() == [0.5, 3.0, 2.0]
    assert np.isnan(events.rating).tolist() == [False, True, False] == (~events.is_timed).tolist()


@pytest.mark.parametrize("items", [[0, 1], [0, 1, 1], [0, 1, 2, 2], [0, 1, 3]])
def test_a_catalogue_that_lacks_or_repeats_an_item_is_refused(tmp_path: Path, items: list[int]) -> None:
    file = write_examples(tmp_path / "candidates.gz", *(candidate(item, b"", [], []) for item in items))
    expected = rf"each of the 3 items .* once, got {len(items)} rows of {len(set(items))} items"
    with pytest.raises(DataError, match=expected):
        read_dataset([write_examples(tmp_path / "train.gz", rating(0, 0, 1.0, 1))], [file], VOCABULARIES)


@pytest.mark.parametrize("some", [[], [[2.5]]])
def test_a_feature_without_a_value_is_read_as_an_absent_one(tmp_path: Path, some: list[list[float]]) -> None:
    path = str(tmp_path / "events.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for values in ([], *some):
            feature = {
                "rating": tf.train.Feature(float_list=tf.train.FloatList(value=values)),
                "timestamp": tf.train.Feature(int64_list=tf.train.Int64List(value=[])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    columns = read_columns([path], {name: EVENT[name] for name in ("rating", "timestamp")})
    np.testing.assert_array_equal(columns["rating"], [np.nan, *np.ravel(some)])
    assert columns["timestamp"].tolist() == [NO_TIME] * (1 + len(some))
