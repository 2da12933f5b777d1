"""A fake remote file system, `far://`, and two steps that read and write files by their paths."""

import os
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import filesystem, filesystem_registry
from tfx.dsl.io.fileio import NotFoundError
from tfx.types import component_spec, standard_artifacts

SCHEME = "far://"


class FarAway(filesystem.Filesystem):
    """Stores files in a folder of this machine, under addresses that `open` and `Path` cannot use."""

    SUPPORTED_SCHEMES = [SCHEME]
    base = Path("/nowhere")

    @classmethod
    def at(cls, path: str) -> Path:
        return cls.base / path.removeprefix(SCHEME)

    @classmethod
    def settle(cls, base: Path) -> None:
        cls.base = base
        filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(cls, 0)

    @staticmethod
    def open(name: str, mode: str = "r") -> Any:
        return open(FarAway.at(name), mode)

    @staticmethod
    def exists(path: str) -> bool:
        return FarAway.at(path).exists()

    @staticmethod
    def isdir(path: str) -> bool:
        return FarAway.at(path).is_dir()

    @staticmethod
    def listdir(path: str) -> list[str]:
        return os.listdir(FarAway.at(path))

    @staticmethod
    def makedirs(path: str) -> None:
        FarAway.at(path).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def remove(path: str) -> None:
        FarAway.at(path).unlink()

    @staticmethod
    def rmtree(path: str) -> None:
        if not FarAway.at(path).exists():
            raise NotFoundError(path)
        shutil.rmtree(FarAway.at(path))

    @staticmethod
    def walk(top: str, topdown: bool = True, onerror: Any = None) -> Any:
        for folder, folders, files in os.walk(FarAway.at(top)):
            yield SCHEME + str(Path(folder).relative_to(FarAway.base)), folders, files


class WriterExecutor(base_executor.BaseExecutor):
    """Writes a file in a folder of its output, and records the output's address."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:
        [model] = output_dict["model"]
        assert Path(model.uri).is_dir() and Path(self._get_tmp_dir()).is_dir()
        (Path(model.uri) / "Format-Serving").mkdir()
        (Path(model.uri) / "Format-Serving" / "weights").write_bytes(b"\x00\xff" * 5)
        model.set_string_custom_property("made_in", model.uri)


class ReaderExecutor(base_executor.BaseExecutor):
    """Writes the content of the writer's file, twice."""

    def Do(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> None:
        [model], [copied] = input_dict["model"], output_dict["copied"]
        weights = (Path(model.uri) / "Format-Serving" / "weights").read_bytes()
        (Path(copied.uri) / "weights").write_bytes(weights * 2)
        copied.set_string_custom_property("made_from", model.uri)
        if exec_properties["fails"]:
            raise RuntimeError("as told")


class WriterSpec(component_spec.ComponentSpec):
    PARAMETERS: dict[str, Any] = {}
    INPUTS: dict[str, Any] = {}
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class ReaderSpec(component_spec.ComponentSpec):
    PARAMETERS = {"fails": component_spec.ExecutionParameter(type=int)}
    INPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
    OUTPUTS = {"copied": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class Writer(base_component.BaseComponent):
    SPEC_CLASS = WriterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(WriterExecutor)

    def __init__(self) -> None:
        super().__init__(WriterSpec(model=types.Channel(type=standard_artifacts.Model)))


class Reader(base_component.BaseComponent):
    SPEC_CLASS = ReaderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ReaderExecutor)

    def __init__(self, model: types.BaseChannel, fails: bool) -> None:
        copied = types.Channel(type=standard_artifacts.Model)
        super().__init__(ReaderSpec(model=model, fails=int(fails), copied=copied))
