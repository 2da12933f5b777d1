"""The step on real artifacts, with the probe in its own process."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.canary import contract, executor, probe
from components.index_exporter import ivf_index, scann_index
from components.index_exporter.content import Catalogue, Content
from recommender.serving.export import save
from schemas import canary as canary_schema
from schemas import layout
from schemas.canary import CanaryCheck, CanaryRecord
from schemas.model_card import ModelCard
from schemas.settings import CanarySettings, ServingSettings
from small_recommender import make_parts

PARTS = make_parts()


def _write(folder: Path, examples: list[dict[str, list[bytes]]]) -> None:
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for example in examples:
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=values)) for name, values in example.items()
            } | {"timestamp": tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export that the tests copy."""
    folder = tmp_path_factory.mktemp("saved")
    save(PARTS, str(folder), ServingSettings())
    return folder


@pytest.fixture
def artifacts(tmp_path: Path, model_card: ModelCard, saved: Path) -> tuple[dict, dict]:
    model, examples = standard_artifacts.Model(), standard_artifacts.Examples()
    model.uri, examples.uri = str(tmp_path / "model"), str(tmp_path / "examples")
    model.id, examples.split_names = 7, '["train", "eval", "candidates"]'
    folder = tmp_path / "model" / "Format-Serving"
    shutil.copytree(saved, folder)
    (folder / "assets.extra").mkdir()
    (folder / layout.TRAINING_RECORD).write_text(model_card.training.model_dump_json())
    first = [PARTS.items[item] for item in PARTS.seen.values[:3]]
    rated = [
        {"user_id": [b"u1"], "item_id": [b"i1"]},
        {"user_id": [b"stranger"], "item_id": [b"i2"]},
        {"user_id": [b"u1"], "item_id": [b"i4"]},
    ]
    seen = [{"user_id": [b"u1"], "item_id": [item]} for item in first]
    _write(tmp_path / "examples" / "Split-train", [*seen, {"user_id": [b"someone else"], "item_id": [b"i5"]}])
    _write(tmp_path / "examples" / "Split-eval", rated)
    # Every second item is of a genre.
    catalogue = [{"item_id": [item], "genres": [b"drama"][row % 2 :]} for row, item in enumerate(PARTS.items)]
    _write(tmp_path / "examples" / "Split-candidates", catalogue)
    blessing = standard_artifacts.InfraBlessing()
    blessing.uri = str(tmp_path / "blessing")
    return {"model": [model], "examples": [examples]}, {"blessing": [blessing]}


def _do(artifacts: tuple[dict, dict], **settings: float) -> tuple[standard_artifacts.InfraBlessing, CanaryRecord]:
    inputs, outputs = artifacts
    exec_properties = {"settings": CanarySettings(**settings).model_dump_json()}
    executor.Executor().Do(inputs, outputs, exec_properties)
    [blessing] = outputs["blessing"]
    return blessing, canary_schema.read(blessing.uri)


def _assert_refused(blessing: standard_artifacts.InfraBlessing, judged: str = "7") -> None:
    assert (Path(blessing.uri) / "INFRA_NOT_BLESSED").exists() and not (Path(blessing.uri) / "INFRA_BLESSED").exists()
    assert blessing.get_int_custom_property("blessed") == 0
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("judged_model") == judged


def test_a_good_export_is_blessed_by_a_process_with_tensorflow_alone(artifacts):
    blessing, record = _do(artifacts, calls=20, latency_p50_ms=1e6, latency_p99_ms=1e6)
    assert record.reasons == [] and record.blessed
    assert record.tensorflow == tf.__version__
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("judged_model") == "7"
    assert (Path(blessing.uri) / "INFRA_BLESSED").exists() and not (Path(blessing.uri) / "INFRA_NOT_BLESSED").exists()


def test_users_are_sampled_with_all_that_is_known_of_them(artifacts, model_card):
    sample = executor._sample(artifacts[0]["examples"], model_card.training)
    first = [PARTS.items[item] for item in PARTS.seen.values[:3]]
    assert sample.seen == {b"u1": first, b"stranger": []}
    assert sample.items == PARTS.items
    assert sample.scale == (1.0, 5.0)


def test_a_broken_export_is_refused_and_the_step_does_not_fail(artifacts):
    (Path(artifacts[0]["model"][0].uri) / "Format-Serving" / "saved_model.pb").write_bytes(b"broken")
    blessing, record = _do(artifacts)
    _assert_refused(blessing)
    assert [check.name for check in record.checks] == ["load"]


def test_a_crash_is_a_refusal_with_its_last_words(artifacts, tmp_path, monkeypatch):
    program = tmp_path / "crash.py"
    program.write_text("import os, sys\nprint('out of luck', file=sys.stderr, flush=True)\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setattr(probe, "__file__", str(program))
    blessing, record = _do(artifacts)
    _assert_refused(blessing)
    assert record.reasons == ["process: expected exit status 0 and a record, got status -11: out of luck"]


def test_a_hang_is_a_refusal_after_the_time_limit(artifacts, tmp_path, monkeypatch):
    program = tmp_path / "hang.py"
    program.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(probe, "__file__", str(program))
    blessing, record = _do(artifacts, timeout_s=0.5)
    _assert_refused(blessing)
    assert record.reasons == [
        "time: expected the process to end within 0.5 s (canary.timeout_s), but it was still running"
    ]


def _content(seen: slice) -> Content:
    """The model's own vectors, and of these as the items that each user has seen; genres as the examples say."""
    splits, num_items = PARTS.seen.row_splits, len(PARTS.items)
    users = np.repeat(np.arange(len(PARTS.seen.row_splits) - 1), np.diff(splits))
    members = np.arange(0, num_items, 2)
    return Content(
        Catalogue(
            np.array(PARTS.items, object),
            PARTS.titles,
            np.array([b"drama"], object),
            members,
            np.array([0, len(members)]),
        ),
        PARTS.candidates,
        np.array(PARTS.users, object),
        PARTS.queries,
        np.unique(users.astype(np.int64) * num_items + PARTS.seen.values)[seen],
        np.argsort(-PARTS.fallback),
        -np.sort(-PARTS.fallback),
    )


def _add_index(inputs: dict, content: Content, kind: str = "ivf") -> str:
    """Its folder within the artifact, which goes to the inputs."""
    if kind == "ivf":
        index = ivf_index.Index(content, np.arange(len(PARTS.users)), k=5, recall=0.9)
    else:
        index = scann_index.Index(content, scann_index.Tree(leaves=2, searched=2))
    artifact = standard_artifacts.Model()
    artifact.id, artifact.uri = 8, str(Path(inputs["model"][0].uri).parent / "index")
    index.save(f"{artifact.uri}/{layout.index_folder(kind)}")
    inputs["index"] = [artifact]
    return layout.index_folder(kind)


@pytest.mark.parametrize(
    "kind", ["ivf", pytest.param("scann", marks=pytest.mark.skipif(find_spec("scann") is None, reason="no scann here"))]
)
def test_an_index_is_tried_too(artifacts, kind: str) -> None:
    folder = _add_index(artifacts[0], _content(slice(None)), kind)
    blessing, record = _do(artifacts, calls=5, latency_p50_ms=1e6, latency_p99_ms=1e6)
    assert record.reasons == []
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("judged_model") == "7,8"
    tried = [check.name for check in record.checks if check.name.startswith(f"{folder}: ")]
    assert {name.split(": ")[1].split(",")[0] for name in tried} >= {"retrieve", "search", "latency"}
    assert any("a genre" in name for name in tried) == (kind == "ivf")


@pytest.fixture
def model_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the model pass without a process, so that only the index is tried."""
    run, passed = executor._run, CanaryRecord(checks=(CanaryCheck(name="load", passed=True, message=""),))
    monkeypatch.setattr(contract, "model_request", lambda *_: {})
    monkeypatch.setattr(executor, "_run", lambda request, timeout_s: run(request, timeout_s) if request else passed)


@pytest.mark.usefixtures("model_passes")
def test_an_index_that_shows_what_was_seen_is_refused(artifacts) -> None:
    folder = _add_index(artifacts[0], _content(slice(0)))
    blessing, record = _do(artifacts, calls=5, latency_p50_ms=1e6, latency_p99_ms=1e6)
    _assert_refused(blessing, judged="7,8")
    [reason] = record.reasons
    assert reason.startswith(f"{folder}: retrieve, sampled users: exclusions: expected no excluded")


@pytest.mark.usefixtures("model_passes")
def test_an_index_that_shows_other_genres_is_refused(artifacts) -> None:
    content = _content(slice(None))
    wrong = content.catalogue._replace(genre_items=np.arange(1, 23, 2), genre_splits=np.array([0, 11]))
    folder = _add_index(artifacts[0], content._replace(catalogue=wrong))
    blessing, record = _do(artifacts, calls=5, latency_p50_ms=1e6, latency_p99_ms=1e6)
    _assert_refused(blessing, judged="7,8")
    assert {reason.split(": ")[1] for reason in record.reasons} == {"search, a genre", "retrieve, a genre"}
    assert record.reasons[0].startswith(f"{folder}: ")
