"""A step as Vertex AI starts it, in a process of its own that imports TFX: half a minute."""

import json
from pathlib import Path

from pipeline import vertex_step

SHARED = Path(__file__).parents[1] / "shared"


def _artifact(uri: str) -> dict[str, object]:
    schema = {"schemaTitle": "tfx.Model"}
    return {"artifacts": [{"name": "projects/1/artifacts/2", "type": schema, "uri": uri, "metadata": {}}]}


def _run(mounted: Path, executor: str, **told: object) -> int:
    invocation = {**told, "outputs": {**told["outputs"], "outputFile": "gs://bucket/run/output.json"}}
    arguments = ["--executor_class_path", executor, "--json_serialized_invocation_args", json.dumps(invocation)]
    return vertex_step.main([*arguments, "--runner=unused"], f"{mounted}/")


def test_a_step_works_in_a_folder_and_says_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(SHARED))
    (tmp_path / "bucket" / "run" / "model").mkdir(parents=True)
    told = {"outputs": {"artifacts": {"model": _artifact("gs://bucket/run/model")}}}
    assert _run(tmp_path, "far_away.WriterExecutor", **told) == 0
    assert (tmp_path / "bucket/run/model/Format-Serving/weights").read_bytes() == b"\x00\xff" * 5
    said = json.loads((tmp_path / "bucket/run/output.json").read_text())
    [model] = said["artifacts"]["model"]["artifacts"]
    assert model["uri"] == model["metadata"]["made_in"] == "gs://bucket/run/model"


def test_a_step_that_fails_keeps_its_status(tmp_path):
    assert _run(tmp_path, "nowhere.Executor", outputs={}) != 0
    assert not (tmp_path / "bucket/run/output.json").exists()
