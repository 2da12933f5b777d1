"""A step as Vertex AI starts it, in a process of its own that imports TFX: half a minute."""

import json
from pathlib import Path

from pipeline.vertex import step as vertex_step

SHARED = Path(__file__).parents[2] / "shared"


def _artifact(uri: str, **metadata: str) -> dict[str, object]:
    schema = {"schemaTitle": "tfx.Model"}
    return {"artifacts": [{"name": "projects/1/artifacts/2", "type": schema, "uri": uri, "metadata": metadata}]}


def _run(mounted: Path, executor: str, outputs: dict[str, object], **told: object) -> int:
    invocation = {"outputs": {"artifacts": outputs, "outputFile": "gs://bucket/run/output.json"}, **told}
    arguments = ["--executor_class_path", executor, "--json_serialized_invocation_args", json.dumps(invocation)]
    return vertex_step.main([*arguments, "--runner=unused"], f"{mounted}/")


def test_steps_work_in_a_folder_and_say_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SHARED))
    written, copied = "gs://bucket/run/model", "gs://bucket/run/copied"
    assert _run(tmp_path, "far_away.WriterExecutor", {"model": _artifact(written)}) == 0
    said = json.loads((tmp_path / "bucket/run/output.json").read_text())
    [model] = said["artifacts"]["model"]["artifacts"]
    assert model["uri"] == model["metadata"]["made_in"] == written
    inputs = {"artifacts": {"model": _artifact(written)}, "parameters": {"fails": {"intValue": 0}}}
    elsewhere = f"/mnt{tmp_path}/folder"
    assert _run(tmp_path, "far_away.ReaderExecutor", {"copied": _artifact(copied, of=elsewhere)}, inputs=inputs) == 0
    assert (tmp_path / "bucket/run/copied/weights").read_bytes() == b"\x00\xff" * 10
    said = json.loads((tmp_path / "bucket/run/output.json").read_text())
    [model] = said["artifacts"]["copied"]["artifacts"]
    assert model["uri"] == copied
    assert model["metadata"].items() >= {"made_from": written, "of": elsewhere}.items()


def test_a_step_that_fails_keeps_its_status(tmp_path):
    assert _run(tmp_path, "nowhere.Executor", {}) != 0
    assert not (tmp_path / "bucket/run/output.json").exists()
