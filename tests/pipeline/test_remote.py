"""Steps that know files alone, with artifacts in a made-up remote file system; it waits 15 s for TFX to be imported."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import node, remote
from pipeline.engines import beam
from schemas.settings import BeamSettings


@pytest.fixture
def far(tmp_path: Path) -> Path:
    from far_away import FarAway

    FarAway.settle(tmp_path / "far")
    (tmp_path / "far").mkdir()
    return tmp_path / "far"


def _run(tmp_path: Path, root: str, run_id: str, fails: bool = False) -> dict[str, node.Node]:
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.orchestration import metadata
    from tfx.orchestration.pipeline import Pipeline
    from tfx.orchestration.portable import runtime_parameter_utils

    from far_away import Reader, Writer

    writer = Writer()
    reader = Reader(writer.outputs["model"], fails)
    pipeline = Compiler().compile(Pipeline("far", root, components=[writer, reader], enable_cache=True))
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {"pipeline-run-id": run_id})
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    return {
        wrapped.pipeline_node.node_info.id: node.launch(pipeline, wrapped.pipeline_node, connection)
        for wrapped in pipeline.nodes
    }


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _first(artifacts: dict[str, list[Any]]) -> Any:
    [[artifact]] = artifacts.values()
    return artifact


def test_steps_that_know_files_alone_work_on_remote_artifacts(tmp_path, far):
    nodes = _run(tmp_path, "far://bucket/root", "1")
    model, copied = _first(nodes["Writer"].outputs), _first(nodes["Reader"].outputs)
    assert model.uri == "far://bucket/root/Writer/model/1"
    assert copied.uri == "far://bucket/root/Reader/copied/2"
    assert _files(far) == {
        "bucket/root/Writer/model/1/Format-Serving/weights",
        "bucket/root/Reader/copied/2/weights",
    }
    assert (far / "bucket/root/Reader/copied/2/weights").read_bytes() == b"\x00\xff" * 10
    # What an executor says of where things lie is said of the remote address, not of a folder that is gone.
    assert model.properties["made_in"] == model.uri
    assert copied.properties["made_from"] == model.uri
    assert not any(result.repeated for result in nodes.values())
    second = _run(tmp_path, "far://bucket/root", "2")
    assert all(result.reused and not result.repeated for result in second.values())
    again = _run(tmp_path, "far://bucket/root", "1")
    assert all(result.repeated and not result.reused for result in again.values())


def test_a_step_that_fails_leaves_nothing_there(tmp_path, far):
    with pytest.raises(RuntimeError, match="as told"):
        _run(tmp_path, "far://bucket/root", "1", fails=True)
    assert _files(far) == {"bucket/root/Writer/model/1/Format-Serving/weights"}
    # The same run again: the writer is done, the reader is tried anew.
    with pytest.raises(RuntimeError, match="as told"):
        _run(tmp_path, "far://bucket/root", "1", fails=True)


def test_artifacts_on_this_machine_are_used_where_they_are(tmp_path, far):
    nodes = _run(tmp_path, str(tmp_path / "root"), "1")
    model = _first(nodes["Writer"].outputs)
    assert model.properties["made_in"] == model.uri == str(tmp_path / "root" / "Writer" / "model" / "1")
    assert _files(far) == set()


def test_fetched_artifacts_are_copies_and_the_originals_stay(tmp_path, far):
    model = _first(_run(tmp_path, "far://bucket/root", "1")["Writer"].outputs)
    (far / "bucket/root/Writer/model/1/BLESSED").touch()
    fetched = remote.fetched({"model": [model]}, tmp_path / "here")
    assert (Path(_first(fetched).uri) / "Format-Serving" / "weights").read_bytes() == b"\x00\xff" * 5
    assert Path(_first(fetched).uri).is_relative_to(tmp_path / "here")
    assert _files(Path(_first(fetched).uri)) == {"Format-Serving/weights", "BLESSED"}, "empty files are files"
    assert model.uri == "far://bucket/root/Writer/model/1"


def test_what_a_killed_attempt_left_is_gone_when_the_step_is_tried_again(tmp_path, far):
    with pytest.raises(RuntimeError, match="as told"):
        _run(tmp_path, "far://bucket/root", "1", fails=True)
    left = far / "bucket/root/Reader/copied/2/left behind"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    _run(tmp_path, "far://bucket/root", "1")
    assert _files(far / "bucket/root/Reader") == {"copied/2/weights"}


@pytest.mark.parametrize(
    ("engine", "is_copied"), [({}, True), ({"engine": "portable", "portable": {"job_server": "j:1"}}, False)]
)
def test_workers_on_other_machines_get_no_folder_of_this_one(tmp_path, far, monkeypatch, engine, is_copied):
    from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator
    from tfx.orchestration.portable.data_types import ExecutionInfo
    from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2
    from tfx.types import standard_artifacts

    used = []

    def run_executor(self, execution_info):
        used.append(_first(execution_info.output_dict).uri)
        return execution_result_pb2.ExecutorOutput()

    monkeypatch.setattr(BeamExecutorOperator, "run_executor", run_executor)
    model = standard_artifacts.Model()
    model.uri = "far://bucket/root/Writer/model/1"
    spec = executable_spec_pb2.BeamExecutableSpec()
    spec.python_executor_spec.class_path = "far_away.WriterExecutor"
    for argument in beam.arguments(BeamSettings.model_validate(engine)):
        spec.beam_pipeline_args_placeholders.add().value.string_value = argument
    operator = remote.executor_operators()[executable_spec_pb2.BeamExecutableSpec](spec)
    operator.run_executor(ExecutionInfo(output_dict={"model": [model]}))
    assert (used[0] != model.uri) is is_copied
