"""Submits a recommender's pipeline to Kubeflow Pipelines and follows its run.

The pipeline is uploaded under the recommender's name. The name of a version is a hash of the compiled YAML, so that the
same settings and code are uploaded once.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from pipeline.kubeflow import compile as kubeflow
from pipeline.kubeflow.follow import FINAL, SUCCEEDED, Run, follow
from pipeline.reporting import terminal
from pipeline.reporting.terminal import escape
from schemas.environment import Credentials
from schemas.errors import SettingsError
from schemas.settings import Settings

if TYPE_CHECKING:
    from pipeline.kubeflow.connection import Connection

_COMPILING = "compiling the pipeline"
_PAGE = 100


class Version(NamedTuple):
    """A version of a pipeline on the server."""

    pipeline_id: str
    version_id: str
    name: str


def write(compile_pipeline: Callable[[Settings, Path], None], settings: Settings, path: Path, verbose: bool) -> int:
    """Compiles the pipeline to a file, without sending it; returns the exit status.

    Raises:
      SettingsError: the settings cannot be compiled, or the folder of the file does not exist.
    """
    if not path.parent.is_dir():
        raise SettingsError(f"-o {path}: there is no folder {path.parent}; create it, or name a file elsewhere")
    with quiet(verbose) as console:
        with terminal.waiting(console, _COMPILING):
            compile_pipeline(settings, path)
        console.print(f"{escape(str(path))} holds the pipeline of {settings.name}", soft_wrap=True)
    return SUCCEEDED


def submit(settings: Settings, credentials: Credentials, wait: bool = False, verbose: bool = False) -> int:
    """Compiles the pipeline, uploads it and starts a run of it.

    Args:
      settings: of the recommender.
      credentials: for the server.
      wait: follows the run to its end.
      verbose: shows the libraries' log on the terminal as well.

    Returns:
      The exit status.

    Raises:
      SettingsError: the settings do not allow a run on Kubeflow Pipelines.
      ServiceError: the server cannot be reached, or refuses a request.
    """
    with quiet(verbose) as console:
        connection = connect(settings, credentials)
        version, steps = uploaded(connection, settings, console)
        run = start(connection, settings, version, steps)
        console.print(f"Run {run.run_id}: {escape(run.address)}", soft_wrap=True)
        return follow(connection, run, console) if wait else SUCCEEDED


def quiet(verbose: bool) -> AbstractContextManager[Console]:
    """A console for our messages; the libraries' output is shown only if `verbose`."""
    return terminal.captured(Path(os.devnull), verbose)


def connect(settings: Settings, credentials: Credentials) -> "Connection":
    """Connects to the server of the settings."""
    from pipeline.kubeflow.connection import Connection  # imports kfp, which takes seconds

    return Connection(settings.kubeflow, credentials)


def uploaded(connection: "Connection", settings: Settings, console: Console) -> tuple[Version, frozenset[str]]:
    """Compiles the pipeline and uploads it, unless the server has that version; returns the version and its steps."""
    from kfp.components import load_component_from_file

    with compiled(settings, console) as package:
        version = upload(connection, settings.name, package, console)
        return version, frozenset(load_component_from_file(str(package)).pipeline_spec.root.dag.tasks)


@contextmanager
def compiled(settings: Settings, console: Console) -> Iterator[Path]:
    """The compiled pipeline, as a file that exists within the context."""
    with TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        with terminal.waiting(console, _COMPILING):
            kubeflow.compile_pipeline(settings, package)
        yield package


def find(connection: "Connection", name: str, package: Path) -> Version | None:
    """The version of a compiled pipeline, if the server has it."""
    pipeline_id, digest = _pipeline(connection, name), _digest(package)
    if pipeline_id is None:
        return None
    versions = connection.list_pipeline_versions(pipeline_id, filter=named(digest)).pipeline_versions
    return Version(pipeline_id, versions[0].pipeline_version_id, digest) if versions else None


def upload(connection: "Connection", name: str, package: Path, console: Console) -> Version:
    """Uploads a compiled pipeline, unless the server has that version."""
    version = find(connection, name, package)
    if version:
        console.print(f"version {version.name} is already there")
        return version
    pipeline_id, digest = _pipeline(connection, name) or _new_pipeline(connection, name), _digest(package)
    new = connection.upload_pipeline_version(str(package), digest, pipeline_id=pipeline_id)
    console.print(f"version {digest} uploaded")
    return Version(pipeline_id, new.pipeline_version_id, digest)


def start(connection: "Connection", settings: Settings, version: Version, steps: frozenset[str]) -> Run:
    """Starts a run of a version.

    Raises:
      SettingsError: another run of the recommender is active, and the metadata store allows one at a time.
    """
    experiment_id = experiment(connection, settings)
    if settings.kubeflow.metadata.kind == "sqlite":
        for other in at_work(connection, experiment_id):
            if (other.pipeline_version_reference or version).pipeline_id == version.pipeline_id:
                raise SettingsError(
                    f"a run of {settings.name} is active, and a SQLite file allows one at a time: "
                    f'{connection.address(other.run_id)}; wait for its end, or set kubeflow.metadata.kind to "mysql"'
                )
    run = connection.run_pipeline(
        experiment_id=experiment_id,
        job_name=f"{settings.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        service_account=settings.kubeflow.service_account,
    )
    return Run(run.run_id, connection.address(run.run_id), steps, settings.kubeflow.namespace)


def experiment(connection: "Connection", settings: Settings) -> str:
    """Id of the experiment of the recommender's runs, created if it does not exist."""
    return connection.create_experiment(settings.kubeflow.experiment or settings.name).experiment_id


def find_experiment(connection: "Connection", settings: Settings) -> str | None:
    """Id of the experiment of the recommender's runs, if it exists."""
    name = settings.kubeflow.experiment or settings.name
    found = connection.list_experiments(filter=named(name), namespace=connection.run_namespace).experiments
    return found[0].experiment_id if found else None


def at_work(connection: "Connection", experiment_id: str) -> list[Any]:
    """The active runs among the latest hundred of an experiment."""
    latest = connection.list_runs(page_size=_PAGE, sort_by="created_at desc", experiment_id=experiment_id).runs
    return [run for run in latest or [] if run.state not in FINAL]


def named(name: str) -> str:
    """A filter of the API for objects with this name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _digest(package: Path) -> str:
    return hashlib.sha256(package.read_bytes()).hexdigest()[:16]


def _pipeline(connection: "Connection", name: str) -> str | None:
    found = connection.list_pipelines(filter=named(name), namespace=connection.run_namespace).pipelines
    return found[0].pipeline_id if found else None


def _new_pipeline(connection: "Connection", name: str) -> str:
    """Id of a new pipeline, created empty: with an upload, its first version would have the pipeline's name."""
    from kfp_server_api import V2beta1Pipeline

    return connection.create_pipeline(
        V2beta1Pipeline(display_name=name, namespace=connection.run_namespace)
    ).pipeline_id
