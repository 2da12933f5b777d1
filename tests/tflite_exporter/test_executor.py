import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.tflite_exporter import convert, executor, verify

SPLIT = '{"method":"time"}'
USERS, ITEMS = [b"ann", b"bob"], [b"i1", b"i2", b"i3"]
VALUES = np.array([[1, 2, 3], [4, 5, 1.5], [2, 2.5, 3.5]], np.float32)[:, :, None]


class _Rater(tf.Module):
    """Looks ratings up in a table; the last row and column are the unknown's."""

    def __init__(self, shift: float = 0.0):
        super().__init__()
        self._users, self._items = _index(USERS), _index(ITEMS)
        table = np.pad(VALUES[:, :, 0], [[0, 0], [0, 1]], constant_values=3.0) + shift
        self._table = tf.constant(table.reshape(-1))

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "user_id"), tf.TensorSpec([None], tf.string, "item_id")]
    )
    def rate(self, user_id: tf.Tensor, item_id: tf.Tensor) -> dict[str, tf.Tensor]:
        cells = self._users.lookup(user_id) * (len(ITEMS) + 1) + self._items.lookup(item_id)
        return {"rating": tf.gather(self._table, cells)}


class _LowerCaseRater(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "user_id")])
    def rate(self, user_id: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": tf.strings.to_number(tf.strings.lower(user_id))}


def _index(keys: list[bytes]) -> tf.lookup.StaticHashTable:
    values = tf.range(len(keys), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys), values), len(keys))


def _save(module: tf.Module, folder: Path) -> str:
    tf.saved_model.save(module, str(folder), signatures={"rate": module.rate})
    return str(folder)


@pytest.fixture
def artifacts(tmp_path: Path) -> tuple[dict, dict]:
    model, examples = standard_artifacts.Model(), standard_artifacts.Examples()
    model.uri, examples.uri = str(tmp_path / "model"), str(tmp_path / "examples")
    _save(_Rater(), tmp_path / "model" / "Format-Serving")
    (tmp_path / "examples" / "Split-eval").mkdir(parents=True)
    examples.split_names = '["eval"]'
    with tf.io.TFRecordWriter(str(tmp_path / "examples" / "Split-eval" / "data.gz"), "GZIP") as writer:
        for user in USERS:
            for item in ITEMS:
                features = {
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for name, value in (("user_id", user), ("item_id", item))
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    exported = standard_artifacts.Model()
    exported.uri = str(tmp_path / "exported")
    return {"model": [model], "examples": [examples]}, {"exported_model": [exported]}


def _do(artifacts: tuple[dict, dict]) -> Path:
    inputs, outputs = artifacts
    executor.Executor().Do(inputs, outputs, {"settings": "{}", "split": SPLIT})
    return Path(outputs["exported_model"][0].uri) / "Format-Serving"


def test_the_exported_model_is_the_trained_one_and_its_on_device_copy(artifacts):
    folder = _do(artifacts)
    assert artifacts[1]["exported_model"][0].get_string_custom_property("split") == SPLIT
    again = tf.saved_model.load(str(folder)).signatures["rate"]
    assert again(user_id=tf.constant(["bob"]), item_id=tf.constant(["i2"]))["rating"].numpy() == [5.0]
    pairs = {"user_id": np.array([b"bob", b"ann", b"nobody"]), "item_id": np.array([b"i3", b"none", b"i1"])}
    ran = verify.check(folder / executor.MODEL_FILE, "rate", pairs)
    assert ran["outputs"]["rating"].tolist() == [1.5, 3.0, 2.0]


def test_the_description_says_how_to_call_it(artifacts):
    folder = _do(artifacts)
    description = json.loads((folder / executor.DESCRIPTION_FILE).read_text())
    assert description["inputs"]["user_id"]["dtype"] == "string"
    assert description["inputs"]["user_id"]["shape"] == [-1]
    assert description["outputs"]["rating"]["dtype"] == "float32"
    assert description["bytes"] == (folder / executor.MODEL_FILE).stat().st_size
    assert description["pairs_compared"] == len(USERS) * len(ITEMS) + 3
    assert "HASHTABLE_LOOKUP" in description["operators"] or "HASHTABLE_FIND" in description["operators"]


def test_a_model_that_answers_differently_is_not_exported(artifacts, tmp_path, monkeypatch):
    other = convert.convert(_save(_Rater(shift=0.001), tmp_path / "other"), "rate")
    monkeypatch.setattr(convert, "convert", lambda *_: other)
    with pytest.raises(RuntimeError, match=r"differ from the SavedModel's by up to 0\.001.* at most 0\.0001"):
        _do(artifacts)


def test_an_operator_that_is_not_builtin_is_refused(tmp_path):
    with pytest.raises(Exception, match="FLEX"):
        convert.convert(_save(_LowerCaseRater(), tmp_path), "rate")


def test_what_litert_cannot_run_is_an_error_with_its_reason(tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    with pytest.raises(RuntimeError, match=r"broken\.tflite cannot be run by LiteRT: .*"):
        verify.check(broken, "rate", {"user_id": np.array([b"ann"])})
