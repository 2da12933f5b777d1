"""Artifacts at a remote address, such as `gs://bucket/folder`, for executors that read and write files.

A step's inputs are copied to this machine before it runs, and its outputs back afterwards. Beam's engines on other
machines work on the remote artifacts themselves, as their workers do not see the folders of this one.

TFX (1.16 to 1.21) lets its launcher take other executor operators. Ours extend TFX's and rely on their method
`run_executor`, on the attributes of `ExecutionInfo`, and on `beam_pipeline_args` of the operator for Beam.
"""

import copy
import shutil
import tempfile
from pathlib import Path
from typing import Any

from pipeline.engines import beam

_AT_ONCE = 16 << 20
"""Bytes in memory while a file is copied."""

Artifacts = dict[str, list[Any]]
"""Artifacts by name, TFX's or ours: they have a `uri`, which can be set."""


def executor_operators() -> dict[Any, Any]:
    """The operators with which TFX's launcher runs executors, by the kind of the executor's specification."""
    from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator
    from tfx.orchestration.portable.python_executor_operator import PythonExecutorOperator
    from tfx.proto.orchestration import executable_spec_pb2

    return {
        executable_spec_pb2.PythonClassExecutableSpec: _on_copies(PythonExecutorOperator),
        executable_spec_pb2.BeamExecutableSpec: _on_copies(BeamExecutorOperator),
    }


def fetched(artifacts: Artifacts, folder: Path) -> Artifacts:
    """The artifacts, the remote ones as copies below `folder`."""
    local = _at(artifacts, folder)
    for original, here in _pairs(artifacts, local):
        _copy(original.uri, here.uri)
    return local


def _on_copies(operator: type) -> type:
    """A subclass of the operator whose executors work on local copies if they run on this machine."""

    class OnCopies(operator):
        def run_executor(self, execution_info: Any) -> Any:
            arguments = [argument.value.string_value for argument in getattr(self, "beam_pipeline_args", [])]
            is_elsewhere = bool(arguments) and beam.DIRECT not in arguments
            if is_elsewhere or not any(_is_remote(uri) for uri in _uris(execution_info)):
                return super().run_executor(execution_info)
            import attr

            with tempfile.TemporaryDirectory() as folder:
                base = Path(folder)
                outputs = _at(execution_info.output_dict, base / "outputs")
                pairs = _pairs(execution_info.output_dict, outputs)
                inputs = fetched(execution_info.input_dict, base / "inputs")
                result = super().run_executor(
                    attr.evolve(
                        execution_info,
                        input_dict=inputs,
                        output_dict=outputs,
                        execution_output_uri=str(base / "executor_output"),
                        stateful_working_dir=_made(base / "state"),
                        tmp_dir=_made(base / "tmp"),
                    )
                )
                for original, here in pairs:
                    _copy(here.uri, original.uri)
                _name_originals(result, [*pairs, *_pairs(execution_info.input_dict, inputs)])
                return result

    return OnCopies


def _is_remote(uri: str) -> bool:
    return "://" in uri


def _uris(execution_info: Any) -> list[str]:
    named = (*execution_info.input_dict.values(), *execution_info.output_dict.values())
    return [artifact.uri for artifacts in named for artifact in artifacts]


def _at(artifacts: Artifacts, folder: Path) -> Artifacts:
    """The artifacts, each remote one with an empty folder below `folder`."""
    local = copy.deepcopy(artifacts)
    for name, several in local.items():
        for number, artifact in enumerate(several):
            if _is_remote(artifact.uri):
                artifact.uri = _made(folder / name / str(number))
    return local


def _pairs(artifacts: Artifacts, local: Artifacts) -> list[tuple[Any, Any]]:
    """The remote artifacts, each with its local counterpart."""
    return [
        (original, here)
        for name, several in artifacts.items()
        for original, here in zip(several, local[name], strict=True)
        if _is_remote(original.uri)
    ]


def _name_originals(result: Any, pairs: list[tuple[Any, Any]]) -> None:
    """Replaces local folders by the remote addresses in an executor's result, in custom properties too."""
    for artifacts in result.output_artifacts.values():
        for artifact in artifacts.artifacts:
            for original, here in pairs:
                if artifact.uri == here.uri:
                    artifact.uri = original.uri
                for value in artifact.custom_properties.values():
                    if here.uri in value.string_value:
                        value.string_value = value.string_value.replace(here.uri, original.uri)


def _copy(source: str, target: str) -> None:
    """Copies a folder between file systems that TFX knows."""
    from tfx.dsl.io import fileio

    for folder, _, files in fileio.walk(source):
        into = f"{target}/{folder.removeprefix(source).strip('/')}".rstrip("/")
        fileio.makedirs(into)
        for file in files:
            with (
                fileio.open(f"{folder.rstrip('/')}/{file}", "rb") as read,
                fileio.open(f"{into}/{file}", "wb") as write,
            ):
                write.write(b"")  # TensorFlow's file systems create a file with the first write
                shutil.copyfileobj(read, write, _AT_ONCE)


def _made(folder: Path) -> str:
    folder.mkdir(parents=True)
    return str(folder)
