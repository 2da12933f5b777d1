import json

import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

import semaphores
from components.transform.preprocessing import preprocessing_fn
from recommender.interactions.titles import title_words

pytestmark = semaphores.needed

FEATURES = {
    "user_id": tf.string,
    "item_id": tf.string,
    "rating": tf.float32,
    "timestamp": tf.int64,
    "weight": tf.float32,
    "position": tf.int64,
    "title": tf.string,
    "title_words": tf.string,
    "genres": tf.string,
    "popularity": tf.int64,
}


def _example(**features: list) -> dict[str, list]:
    return {name: features.get(name, []) for name in FEATURES}


def _rating(user: str, item: str, timestamp: int) -> dict[str, list]:
    event = {"rating": [4.0], "timestamp": [timestamp], "weight": [2.0], "position": [1]}
    return _example(user_id=[user], item_id=[item], **event)


def _candidate(item: str, title: str, *genres: str) -> dict[str, list]:
    words = title_words(title)
    return _example(item_id=[item], title=[title], title_words=words, genres=list(genres), popularity=[2])


@pytest.fixture(scope="module")
def transformed(tmp_path_factory) -> tuple[list[dict], list[dict], tft.TFTransformOutput]:
    """Analysed and transformed: train with catalogue, and events that were not analysed, by Beam."""
    specification = {name: tf.io.VarLenFeature(dtype) for name, dtype in FEATURES.items()}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(specification))
    analysed = [
        _rating("ann", "i1", 1_000_000_000),
        _rating("bob", "i2", 1_000_000_100),
        _rating("bob", "i1", 1_000_000_200) | {"rating": [], "timestamp": []},
        _candidate("i1", "Toy Story, the 2nd (1995)", "Comedy", "Animation"),
        _candidate("i2", "TOY soldiers"),
        _candidate("i3", "Äpfel & Öl"),
    ]
    others = [_rating("eve", "i9", 1_000_000_000)]
    config = {"settings": json.dumps({"title_words": 100}), "code_version": ""}
    folder = str(tmp_path_factory.mktemp("transform"))
    with tft_beam.Context(temp_dir=folder):
        dataset = (analysed, metadata)
        (rows, _), function = dataset | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, config)
        )
        function | tft_beam.WriteTransformFn(folder)
        other_rows, _ = ((others, metadata), function) | tft_beam.TransformDataset()
    return rows, other_rows, tft.TFTransformOutput(folder)


def test_every_item_of_the_catalogue_has_an_index_and_only_known_ones(transformed):
    rows, [other], output = transformed
    assert sorted(output.vocabulary_by_name("items")) == [b"i1", b"i2", b"i3"]
    items = output.vocabulary_by_name("items")
    assert [items[row["item_index"][0]] for row in rows] == [b"i1", b"i2", b"i1", b"i1", b"i2", b"i3"]
    assert other["item_index"] == [3]


def test_users_that_were_not_analysed_share_the_index_after_the_last(transformed):
    _, [other], output = transformed
    assert sorted(output.vocabulary_by_name("users")) == [b"ann", b"bob"]
    assert other["user_index"] == [2]


def test_events_keep_what_they_have(transformed):
    rows, _, _ = transformed
    columns = {name: [list(row[name]) for row in rows[:4]] for name in ("rating", "timestamp", "weight", "position")}
    assert columns == {
        "rating": [[4.0], [4.0], [], []],
        "timestamp": [[1_000_000_000], [1_000_000_100], [], []],
        "weight": [[2.0]] * 3 + [[]],
        "position": [[1]] * 3 + [[]],
    }


def test_the_words_of_titles_are_found_in_their_vocabulary(transformed):
    rows, _, output = transformed
    words = output.vocabulary_by_name("title_words")
    found = [[words[index].decode() for index in row["title_word_index"]] for row in rows[3:]]
    assert found == [["toy", "story", "the", "2nd", "1995"], ["toy", "soldiers"], ["äpfel", "öl"]]
