import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tfx.types import Artifact, standard_artifacts

from components.pusher import executor, folder
from schemas.model_card import ModelCard, read


@pytest.fixture
def model(tmp_path: Path, model_card: ModelCard) -> standard_artifacts.Model:
    files = tmp_path / "model" / "Format-Serving"
    (files / "variables").mkdir(parents=True)
    (files / "saved_model.pb").write_bytes(b"graph")
    (files / "variables" / "variables.index").write_bytes(b"index")
    (files / "assets.extra").mkdir()
    (files / "assets.extra" / "training.json").write_text(model_card.training.model_dump_json())
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "verdict.json").write_text(model_card.evaluation.model_dump_json())
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "model")
    artifact.id = 7
    return artifact


def _bless(blessing: Artifact, blessed: int, model: int | str) -> Artifact:
    blessing.set_int_custom_property("blessed", blessed)
    blessing.set_string_custom_property("judged_model", str(model))
    return blessing


def _do(
    model: standard_artifacts.Model,
    base: Path,
    blessed: int,
    of_model: int | None = None,
    tried: int = 1,
    of_tried: int | str | None = None,
    exports: dict[str, standard_artifacts.Model] | None = None,
) -> standard_artifacts.PushedModel:
    blessings = {
        "model_blessing": _bless(standard_artifacts.ModelBlessing(), blessed, of_model or model.id),
        "infra_blessing": _bless(standard_artifacts.InfraBlessing(), tried, of_tried or model.id),
    }
    pushed, evaluation = standard_artifacts.PushedModel(), standard_artifacts.ModelEvaluation()
    evaluation.uri = str(base.parent / "evaluation")
    pushed.uri = str(base.parent / "pushed")
    destination = json.dumps({"filesystem": {"base_directory": str(base)}})
    executor.Executor().Do(
        {"model": [model], "evaluation": [evaluation]}
        | {name: [artifact] for name, artifact in {**blessings, **(exports or {})}.items()},
        {"pushed_model": [pushed]},
        {"push_destination": destination},
    )
    return pushed


def _through_vertex(artifact: Artifact, title: str) -> Artifact:
    """What the step after the one that made an artifact gets of it on Vertex AI."""
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entry

    passed = entry.to_runtime_artifact(artifact, {})
    passed.type.schema_title = title
    [back] = entry.parse_raw_artifact_dict({"it": pipeline_spec_pb2.ArtifactList(artifacts=[passed])}, {})["it"]
    return back


def test_blessings_are_of_the_model_after_vertex_ai_passed_them_on(model):
    model.id = 249208122507636219  # as TFX makes of an artifact's name there; too many digits for a floating number
    blessings = {
        "model_blessing": _through_vertex(_bless(standard_artifacts.ModelBlessing(), 1, model.id), "tfx.ModelBlessing"),
        "infra_blessing": _through_vertex(_bless(standard_artifacts.InfraBlessing(), 1, model.id), "tfx.InfraBlessing"),
    }
    given = {name: [blessing] for name, blessing in blessings.items()}
    assert executor.Executor().CheckBlessing({"model": [model], **given})
    model.id += 1
    assert not executor.Executor().CheckBlessing({"model": [model], **given})


def _versions(base: Path) -> list[str]:
    return sorted(os.listdir(base)) if base.exists() else []


def test_a_blessed_model_is_pushed_whole(model, tmp_path, monkeypatch):
    base = tmp_path / "serving"
    monkeypatch.setattr(executor, "time", SimpleNamespace(time=lambda: 1_700_000_000.9))
    pushed = _do(model, base, blessed=1)
    [version] = _versions(base)
    assert version == "1700000000", "the second that it was pushed in"
    assert (base / version / "saved_model.pb").read_bytes() == b"graph"
    assert (base / version / "variables" / "variables.index").read_bytes() == b"index"
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_destination") == str(base / version)


def _export(folder: Path, id_: int, file: str, content: str) -> standard_artifacts.Model:
    (folder / file).parent.mkdir(parents=True)
    (folder / file).write_text(content)
    artifact = standard_artifacts.Model()
    artifact.id, artifact.uri = id_, str(folder)
    return artifact


def test_a_version_is_the_model_with_the_files_of_its_exporters(model, tmp_path):
    sequence = '{"name": "s", "description": "s.json", "exported": [], "refused": {}, "recall_at_10": null'
    sequences = f'{{"models": [{sequence}, "popularity_recall_at_10": null}}]}}'
    exports = {
        "tflite_models": _export(tmp_path / "tflite", 8, "assets.extra/ranking.tflite", "ranking"),
        "index": _export(tmp_path / "index", 9, "assets.extra/index/ivf/saved_model.pb", "index"),
        "on_device_models": _export(tmp_path / "devices", 10, "assets.extra/on_device/on_device.json", sequences),
    }
    pushed = _do(model, tmp_path / "serving", blessed=1, of_tried="7,9", exports=exports)
    version = Path(pushed.get_string_custom_property("pushed_destination"))
    files = {str(path.relative_to(version)) for path in version.rglob("*") if path.is_file()}
    assert files == {
        "saved_model.pb",
        "variables/variables.index",
        *(f"assets.extra/{name}.json" for name in ("training", "origin", "model_card", "on_device/on_device")),
        "assets.extra/ranking.tflite",
        "assets.extra/index/ivf/saved_model.pb",
    }
    assert [summary.name for summary in read(version).on_device] == ["s"]
    # The same files, found in one folder, are the same model: a rollback to it is no change.
    assert folder.rollback(int(version.name), tmp_path / "serving", 1) == (version, "unchanged")
    # One more file, and it is another version.
    del exports["on_device_models"]
    again = _do(model, tmp_path / "serving", blessed=1, of_tried="7,9", exports=exports)
    assert again.get_int_custom_property("is_new") == 1


def test_an_index_that_the_canary_did_not_try_is_not_pushed(model, tmp_path):
    index = _export(tmp_path / "index", 9, "assets.extra/index/ivf.json", "{}")
    cases = [("7", {"index": index}, 0), ("7,8", {"index": index}, 0), ("7,9", {}, 0), ("7,9", {"index": index}, 1)]
    for tried, exports, expected in cases:
        pushed = _do(model, tmp_path / "serving", blessed=1, of_tried=tried, exports=exports)
        assert pushed.get_int_custom_property("pushed") == expected, tried


def test_it_is_pushed_with_its_model_card(model, model_card, tmp_path):
    version = _do(model, tmp_path / "serving", blessed=1).get_string_custom_property("pushed_destination")
    card = read(Path(version))
    assert card.training == model_card.training
    assert card.evaluation.model_dump_json() == model_card.evaluation.model_dump_json()
    strict = json.loads((Path(version) / "assets.extra" / "model_card.json").read_text(), parse_constant=pytest.fail)
    assert strict["evaluation"]["metrics"][2]["lower"] is None, "an interval that there is not, as JSON knows it"


def test_another_evaluation_of_the_same_model_makes_no_new_version(model, model_card, tmp_path):
    first = _do(model, tmp_path / "serving", blessed=1).get_string_custom_property("pushed_version")
    again = model_card.evaluation.model_copy(update={"compared_with_baseline": False})
    (tmp_path / "evaluation" / "verdict.json").write_text(again.model_dump_json())
    assert _do(model, tmp_path / "serving", blessed=1).get_int_custom_property("is_new") == 0
    assert _versions(tmp_path / "serving") == [first]


def test_what_a_rollback_withdrew_is_not_pushed_until_a_rollback_brings_it_back(model, tmp_path):
    base, index = tmp_path / "serving", Path(model.uri) / "Format-Serving" / "variables" / "variables.index"
    good = _do(model, base, blessed=1).get_string_custom_property("pushed_version")
    index.write_bytes(b"bad")
    bad = _do(model, base, blessed=1).get_string_custom_property("pushed_version")
    back = folder.rollback(int(good), base, int(bad) + 100).version
    pushed = _do(model, base, blessed=1)
    assert _versions(base) == [good, bad, back.name]
    assert (pushed.get_int_custom_property("pushed"), pushed.get_int_custom_property("is_withdrawn")) == (0, 1)
    # Whoever reuses this result later sees by it whether the same version is still the newest.
    assert pushed.get_string_custom_property("pushed_destination") == str(back)
    # Another model is pushed, and the withdrawn one stays withdrawn after it.
    index.write_bytes(b"better")
    assert _do(model, base, blessed=1).get_int_custom_property("is_new") == 1
    index.write_bytes(b"bad")
    assert _do(model, base, blessed=1).get_int_custom_property("is_withdrawn") == 1
    again = folder.rollback(int(bad), base, int(bad) + 300).version
    pushed = _do(model, base, blessed=1)
    assert pushed.get_string_custom_property("pushed_version") == again.name
    assert (pushed.get_int_custom_property("is_new"), pushed.get_int_custom_property("is_withdrawn")) == (0, 0)


def test_a_refused_model_is_not_pushed(model, tmp_path):
    pushed = _do(model, tmp_path / "serving", blessed=0)
    assert _versions(tmp_path / "serving") == []
    assert pushed.get_int_custom_property("pushed") == 0


def test_a_model_that_the_canary_refused_is_not_pushed(model, tmp_path):
    pushed = _do(model, tmp_path / "serving", blessed=1, tried=0)
    assert _versions(tmp_path / "serving") == []
    assert pushed.get_int_custom_property("pushed") == 0


def test_without_a_blessing_of_this_very_model_nothing_is_pushed(model, tmp_path):
    pushed = _do(model, tmp_path / "serving", blessed=1, of_model=6)
    assert pushed.get_int_custom_property("pushed") == 0
    pushed = _do(model, tmp_path / "serving", blessed=1, of_tried=6)
    assert pushed.get_int_custom_property("pushed") == 0
    blessed = {
        "model_blessing": [_bless(standard_artifacts.ModelBlessing(), 1, model.id)],
        "infra_blessing": [_bless(standard_artifacts.InfraBlessing(), 1, model.id)],
    }
    assert executor.Executor().CheckBlessing({"model": [model], **blessed})
    for missing in blessed:
        with pytest.raises(ValueError):
            executor.Executor().CheckBlessing({"model": [model], **blessed, missing: []})
    assert _versions(tmp_path / "serving") == []


def test_the_same_model_is_pushed_once_and_another_becomes_the_newest(model, tmp_path):
    base = tmp_path / "serving"
    pushed = _do(model, base, blessed=1)
    first = pushed.get_string_custom_property("pushed_version")
    assert pushed.get_int_custom_property("is_new") == 1
    # The same content is the same model, whatever its number.
    model.id = 8
    again = _do(model, base, blessed=1)
    assert again.get_string_custom_property("pushed_version") == first
    assert again.get_int_custom_property("is_new") == 0
    assert _versions(base) == [first]
    # Another content is another model, also under the same number and in the same folder.
    (Path(model.uri) / "Format-Serving" / "variables" / "variables.index").write_bytes(b"other")
    second = _do(model, base, blessed=1).get_string_custom_property("pushed_version")
    assert int(second) > int(first)
    assert _versions(base) == [first, second]


def test_what_a_killed_push_left_is_never_a_version_and_is_cleared(model, tmp_path):
    base = tmp_path / "serving"
    program = (
        "import os, signal, shutil, sys\n"
        "from pathlib import Path\n"
        "from components.pusher import folder\n"
        "copy = shutil.copytree\n"
        "def copy_and_die(source, target, *rest, **more):\n"
        "    copy(source, target, *rest, **more)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "shutil.copytree = copy_and_die\n"
        f"folder.push([Path({str(tmp_path / 'model')!r})], Path({str(base)!r}), 1_700_000_000, None)\n"
    )
    root = Path(__file__).parents[3]
    process = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, capture_output=True)
    assert process.returncode == -9, process.stderr
    [leftover] = _versions(base)
    assert not leftover.isdigit()
    version = _do(model, base, blessed=1).get_string_custom_property("pushed_version")
    assert _versions(base) == [version]


def test_a_push_that_fails_leaves_the_earlier_version_alone(model, tmp_path, monkeypatch):
    base = tmp_path / "serving"
    first = _do(model, base, blessed=1).get_string_custom_property("pushed_version")
    (Path(model.uri) / "Format-Serving" / "saved_model.pb").write_bytes(b"another graph")

    def full_disk(source: Path, target: Path, **_: object) -> None:
        target.mkdir()
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copytree", full_disk)
    with pytest.raises(OSError, match="No space left"):
        _do(model, base, blessed=1)
    assert _versions(base) == [first]
    assert (base / first / "saved_model.pb").read_bytes() == b"graph"


@pytest.mark.parametrize("origin", ["{}", "broken", None])
def test_a_version_of_unknown_origin_is_another_model(model, tmp_path, origin):
    base = tmp_path / "serving"
    (base / "5" / "assets.extra").mkdir(parents=True)
    if origin is not None:
        (base / "5" / "assets.extra" / "origin.json").write_text(origin)
    assert _do(model, base, blessed=1).get_int_custom_property("is_new") == 1
    assert len(_versions(base)) == 2
