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

FEATURES = ("user_id", "item_id", "title_words", "genres")


def _example(**features: list[str]) -> dict[str, list[str]]:
    return {name: features.get(name, []) for name in FEATURES}


def _candidate(item: str, title: str, *genres: str) -> dict[str, list[str]]:
    return _example(item_id=[item], title_words=title_words(title), genres=list(genres))


@pytest.fixture(scope="module")
def transformed(tmp_path_factory) -> tuple[list[dict], list[dict], tft.TFTransformOutput]:
    """Analysed and transformed by Beam: users and catalogue, and a pair of neither, which was not analysed."""
    specification = {name: tf.io.VarLenFeature(tf.string) for name in FEATURES}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(specification))
    analysed = [
        _example(user_id=["ann"]),
        _example(user_id=["bob"]),
        _candidate("i1", "Toy Story, the 2nd (1995)", "Comedy", "Animation"),
        _candidate("i2", "TOY soldiers"),
        _candidate("i3", "Äpfel & Öl"),
    ]
    others = [_example(user_id=["eve"], item_id=["i9"])]
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
    assert [items[row["item_index"][0]] for row in rows[2:]] == [b"i1", b"i2", b"i3"]
    assert other["item_index"] == [3]


def test_users_that_were_not_analysed_share_the_index_after_the_last(transformed):
    _, [other], output = transformed
    assert sorted(output.vocabulary_by_name("users")) == [b"ann", b"bob"]
    assert other["user_index"] == [2]


def test_the_words_of_titles_are_found_in_their_vocabulary(transformed):
    rows, _, output = transformed
    words = output.vocabulary_by_name("title_words")
    found = [[words[index].decode() for index in row["title_word_index"]] for row in rows[2:]]
    assert found == [["toy", "story", "the", "2nd", "1995"], ["toy", "soldiers"], ["äpfel", "öl"]]
