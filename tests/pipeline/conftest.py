import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from kubeflow_server import KubeflowServer
from schemas.environment import Credentials
from schemas.settings import Settings, load


@pytest.fixture
def server() -> Iterator[KubeflowServer]:
    """Of Kubeflow Pipelines; a request that is not as published fails the test."""
    with KubeflowServer() as server:
        yield server
        assert server.problems == []


@pytest.fixture
def config(server: KubeflowServer, tmp_path: Path) -> Callable[..., Path]:
    """Writes the settings of the recommender `shop` on that server, with further lines of [kubeflow]."""

    def write(lines: str = "") -> Path:
        path = tmp_path / "shop.toml"
        path.write_text(f'name = "shop"\n[data]\nfolder = "d"\n[kubeflow]\nhost = "{server.address}"\n{lines}')
        return path

    return write


@pytest.fixture
def settings(config: Callable[..., Path]) -> Settings:
    return load(config())


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture
def connection(settings: Settings):
    from pipeline.kubeflow.connection import Connection

    return Connection(settings.kubeflow, Credentials())


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Puts a pipeline of two steps in the place of the recommender's; `image` and `executor`, which is for Kubernetes,
    change it."""
    import kfp
    from kfp import dsl

    chosen = SimpleNamespace(image="atalaya:1", executor={})

    def compile_pipeline(settings: Settings, path: Path) -> None:
        @dsl.container_component
        def trainer():
            return dsl.ContainerSpec(image=chosen.image, command=["true"])

        @dsl.container_component
        def pusher():
            return dsl.ContainerSpec(image=chosen.image, command=["true"])

        @dsl.pipeline(name=settings.name)
        def pipeline():
            first = trainer()
            first.platform_config.update({"kubernetes": chosen.executor} if chosen.executor else {})
            pusher().after(first)

        kfp.compiler.Compiler().compile(pipeline, str(path))

    monkeypatch.setattr("pipeline.kubeflow.compile.compile_pipeline", compile_pipeline)
    return chosen
