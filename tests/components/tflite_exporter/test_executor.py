import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.tflite_exporter import executor
from components.tflite_exporter.server import Request
from recommender.tflite import convert, verify
from schemas import layout
from schemas.model_card import ModelCard

SIGNATURES = ("rate", "rate_on_device", "retrieve", "retrieve_on_device")
USERS, ITEMS = [b"ann", b"bob"], [b"i1", b"i2", b"i3"]
VALUES = np.array([[1, 2, 3], [4, 5, 1.5], [2, 2.5, 3.5]], np.float32)[:, :, None]


SCORES = np.array([[9, 5, 1], [2, 8, 4], [3, 6, 7]], np.float32)
"""Of users, the unknown one last, and items; whoever brings a history gets them turned around."""


class _Model(tf.Module):
    """Looks ratings and scores up in tables; the last row and column of the ratings are the unknown's."""

    def __init__(self, shift: float = 0.0, score_shift: float = 0.0, never: int = len(ITEMS)):
        super().__init__()
        self._users, self._items = _index(USERS), _index(ITEMS)
        table = np.pad(VALUES[:, :, 0], [[0, 0], [0, 1]], constant_values=3.0) + shift
        self._table, self._scores = tf.constant(table.reshape(-1)), tf.constant(SCORES + score_shift)
        self._never = tf.constant(np.arange(len(ITEMS)) == never)

    @tf.function(
        input_signature=[
            *(tf.TensorSpec([None], tf.string, name) for name in ("user_id", "item_id")),
            tf.TensorSpec([None], tf.int64, "timestamp"),
            tf.TensorSpec([None, None], tf.string, "recent_item_id"),
            tf.TensorSpec([None, None], tf.float32, "recent_rating"),
            tf.TensorSpec([None, None], tf.int64, "recent_timestamp"),
        ]
    )
    def rate(self, user_id, item_id, timestamp, recent_item_id, recent_rating, recent_timestamp):
        return self.rate_on_device(user_id, item_id)

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "user_id"), tf.TensorSpec([None], tf.string, "item_id")]
    )
    def rate_on_device(self, user_id: tf.Tensor, item_id: tf.Tensor) -> dict[str, tf.Tensor]:
        cells = self._users.lookup(user_id) * (len(ITEMS) + 1) + self._items.lookup(item_id)
        return {"rating": tf.gather(self._table, cells)}

    @tf.function(
        input_signature=[
            tf.TensorSpec([1], tf.string, "user_id"),
            tf.TensorSpec([None], tf.string, "history_item_id"),
            tf.TensorSpec([], tf.int32, "k"),
        ]
    )
    def retrieve_on_device(self, user_id: tf.Tensor, history_item_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._best(user_id, history_item_id, k, tf.fill([len(ITEMS)], True))

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "user_id"),
            tf.TensorSpec([None, None], tf.string, "history_item_id"),
            tf.TensorSpec([None], tf.int64, "timestamp"),
            tf.TensorSpec([], tf.int32, "k"),
            tf.TensorSpec([None, None], tf.string, "exclude"),
            *(tf.TensorSpec([None], tf.string, name) for name in ("allow", "deny", "genre")),
            tf.TensorSpec([], tf.bool, "include_seen"),
        ]
    )
    def retrieve(self, user_id, history_item_id, timestamp, k, exclude, allow, deny, genre, include_seen):
        allowed = tf.reduce_any(tf.constant(ITEMS) == allow[:, tf.newaxis], axis=0) | (tf.size(allow) == 0)
        columns = self._best(user_id[:1], history_item_id[0], k, allowed)
        return {name: values[tf.newaxis] for name, values in columns.items()}

    def _best(self, user: tf.Tensor, history: tf.Tensor, k: tf.Tensor, allowed: tf.Tensor) -> dict[str, tf.Tensor]:
        # Filled in: the converter does not know the shape of what a table gives.
        known = tf.fill([1], tf.reduce_any(self._items.lookup(history) < len(ITEMS)))
        scores = tf.gather(self._scores, tf.fill([1], self._users.lookup(user[0])))[0] * tf.where(known, -1.0, 1.0)
        best, items = tf.math.top_k(tf.where(allowed & ~self._never, scores, -np.inf), tf.minimum(k, len(ITEMS)))
        padding, left = [[0, tf.maximum(k - len(ITEMS), 0)]], best > -np.inf
        positions = tf.pad(tf.where(left, items, len(ITEMS)), padding, constant_values=len(ITEMS))
        return {
            "item_id": tf.gather(tf.constant([*ITEMS, b""]), positions),
            "score": tf.pad(tf.where(left, best, 0.0), padding),
        }


def _index(keys: list[bytes]) -> tf.lookup.StaticHashTable:
    values = tf.range(len(keys), dtype=tf.int64)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(tf.constant(keys), values), len(keys))


def _save(module: tf.Module, folder: Path) -> str:
    signatures = {name: getattr(module, name) for name in SIGNATURES if hasattr(module, name)}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return str(folder)


def _record(card: ModelCard, folder: Path, scale: tuple[float, float] | None) -> None:
    data = card.training.data.model_copy(update={"rating_scale": scale})
    path = folder / layout.TRAINING_RECORD
    path.parent.mkdir(exist_ok=True)
    path.write_text(card.training.model_copy(update={"data": data}).model_dump_json())


@pytest.fixture
def artifacts(tmp_path: Path, model_card: ModelCard) -> tuple[dict, dict]:
    model, examples = standard_artifacts.Model(), standard_artifacts.Examples()
    model.uri, examples.uri = str(tmp_path / "model"), str(tmp_path / "examples")
    _save(_Model(), tmp_path / "model" / "Format-Serving")
    _record(model_card, tmp_path / "model" / "Format-Serving", (1.0, 5.0))
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
    return {"model": [model], "examples": [examples]}, {"tflite_models": [exported]}


def _do(artifacts: tuple[dict, dict], settings: str = "{}") -> Path:
    inputs, outputs = artifacts
    executor.Executor().Do(inputs, outputs, {"settings": settings})
    folder = Path(outputs["tflite_models"][0].uri)
    assert [path.name for path in folder.iterdir()] == ["assets.extra"]
    return folder / "assets.extra"


def test_the_on_device_models_answer_as_the_trained_one(artifacts):
    folder = _do(artifacts)
    pairs = {"user_id": np.array([b"bob", b"ann", b"nobody"]), "item_id": np.array([b"i3", b"none", b"i1"])}
    ran = verify.check(folder / "ranking.tflite", "rate_on_device", [pairs])
    assert ran["outputs"][0]["rating"].tolist() == [1.5, 3.0, 2.0]
    requests = [Request(b"ann", [], 2), Request(b"bob", [b"i1"], 4), Request(b"nobody", [b"nothing"], 1)]
    file = folder / "retrieval.tflite"
    ran = verify.check(file, "retrieve_on_device", [request.inputs() for request in requests])
    assert [output["item_id"].tolist() for output in ran["outputs"]] == [
        [b"i1", b"i2"],
        [b"i1", b"i3", b"i2", b""],
        [b"i3"],
    ]
    assert [output["score"].tolist() for output in ran["outputs"]] == [[9, 5], [-2, -4, -8, 0], [7]]


def test_a_model_without_ratings_has_no_on_device_ranking(artifacts, model_card):
    folder = Path(artifacts[0]["model"][0].uri) / "Format-Serving"
    model = _Model()
    unrated = {name: getattr(model, name) for name in SIGNATURES if "rate" not in name}
    tf.saved_model.save(model, str(folder), signatures=unrated)
    _record(model_card, folder, None)
    assert {path.name for path in _do(artifacts).iterdir()} == {"retrieval.tflite", "retrieval.json"}


def test_the_descriptions_say_how_to_call_them(artifacts):
    folder = _do(artifacts, '{"tflite_variants": ["float32", "float16", "dynamic_range"]}')
    variants = ("float32", ""), ("float16", ".float16"), ("dynamic_range", ".dynamic_range")
    found = {path.name for path in folder.iterdir()}
    assert found == {
        f"{name}{infix}{ending}"
        for name in ("ranking", "retrieval")
        for _, infix in variants
        for ending in (".tflite", ".json")
    }
    for variant, infix in variants:
        for name, inputs in (("ranking", {"user_id", "item_id"}), ("retrieval", {"user_id", "history_item_id", "k"})):
            description = json.loads((folder / f"{name}{infix}.json").read_text())
            content = (folder / f"{name}{infix}.tflite").read_bytes()
            assert description["variant"] == variant and description["file"] == f"{name}{infix}.tflite"
            assert description["bytes"] == len(content)
            assert description["sha256"] == hashlib.sha256(content).hexdigest()
            assert set(description["inputs"]) == inputs and all(
                tensor["meaning"] for tensor in (description["inputs"] | description["outputs"]).values()
            )
            assert all(tensor["shape"] == [-1] for tensor in description["outputs"].values())
            assert {"HASHTABLE", "HASHTABLE_FIND", "GATHER"} <= set(description["operators"])
    description = json.loads((folder / "retrieval.json").read_text())
    assert description["signature"] == "retrieve_on_device" and description["agreement"] == 1.0
    assert {name: (tensor["dtype"], tensor["shape"]) for name, tensor in description["inputs"].items()} == {
        "user_id": ("string", [1]),
        "history_item_id": ("string", [-1]),
        "k": ("int32", []),
    }


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (
            {"shift": 0.001},
            r"ranking\.tflite: its answers differ from the SavedModel's by up to 0\.0002.* at most 0\.0001",
        ),
        ({"score_shift": 0.01}, r"retrieval\.tflite: its answers differ .* at most 0\.0001"),
        ({"never": 1}, r"expected 3 different items .* got 2"),
    ],
)
def test_models_that_answer_differently_are_not_exported(artifacts, tmp_path, monkeypatch, other, reason):
    folder, convert_own = _save(_Model(**other), tmp_path / "other"), convert.convert
    monkeypatch.setattr(convert, "convert", lambda _, *rest: convert_own(folder, *rest))
    with pytest.raises(RuntimeError, match=reason):
        _do(artifacts)
