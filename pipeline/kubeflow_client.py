"""Submits a recommender's pipeline to Kubeflow Pipelines and follows its run.

The pipeline is uploaded under the recommender's name; a version of it is named by a hash of the compiled YAML, so that
the same settings and code are uploaded once.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.markup import escape

from pipeline import kubeflow, terminal
from pipeline.kubeflow_follow import FINAL, SUCCEEDED, Run, follow
from schemas.environment import Credentials
from schemas.errors import SettingsError
from schemas.settings import Settings

if TYPE_CHECKING:
    from pipeline.kubeflow_connection import Connection

_COMPILING = "compiling the pipeline"
_PAGE = 100


class Version(NamedTuple):
    """A version of a pipeline on the server."""

    pipeline_id: str
    version_id: str
    name: str
    is_new: bool


def write(compile_pipeline: Callable[[Settings, Path], None], settings: Settings, path: Path, verbose: bool) -> int:
    """Compiles the pipeline to a file and sends it nowhere; returns the exit status.

    Raises:
      SettingsError: the settings do not allow it.
    """
    with quiet(verbose) as console:
        with terminal.waiting(console, _COMPILING):
            compile_pipeline(settings, path)
        console.print(f"{escape(str(path))} holds the pipeline of {settings.name}", soft_wrap=True)
    return SUCCEEDED


def submit(settings: Settings, credentials: Credentials, wait: bool = False, verbose: bool = False) -> int:
    """Compiles the pipeline, uploads it and starts a run of it.

    Args:
      settings: what to build, and where.
      credentials: what the server is shown.
      wait: follows the run to its end.
      verbose: shows the libraries' log on the terminal as well.

    Returns:
      The exit status.

    Raises:
      SettingsError: the settings do not allow a run there.
      ServiceError: the server cannot be reached or refuses.
    """
    with quiet(verbose) as console:
        connection = connect(settings, credentials)
        version, steps = uploaded(connection, settings, console)
        run = start(connection, settings, version, steps)
        console.print(f"Run {run.run_id}: {escape(run.address)}", soft_wrap=True)
        return follow(connection, run, console) if wait else SUCCEEDED


def quiet(verbose: bool) -> AbstractContextManager[Console]:
    """A console for what matters; what the libraries say is shown only where it is asked for."""
    return terminal.captured(Path(os.devnull), verbose)


def connect(settings: Settings, credentials: Credentials) -> "Connection":
    """A connection to the server of the settings."""
    from pipeline.kubeflow_connection import Connection  # imports kfp, which takes seconds

    return Connection(settings.kubeflow, credentials)


def uploaded(connection: "Connection", settings: Settings, console: Console) -> tuple[Version, frozenset[str]]:
    """Compiles the pipeline and uploads it, if that version is not there; returns it and its steps."""
    from kfp.components import load_component_from_file

    with TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        with terminal.waiting(console, _COMPILING):
            kubeflow.compile_pipeline(settings, package)
        version = upload(connection, settings.name, package)
        console.print(f"version {version.name} {'uploaded' if version.is_new else 'is there already'}")
        return version, frozenset(load_component_from_file(str(package)).pipeline_spec.root.dag.tasks)


def upload(connection: "Connection", name: str, package: Path) -> Version:
    """Uploads a compiled pipeline, if the server does not have that version of it."""
    pipeline_id = _pipeline(connection, name)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()[:16]
    versions = connection.list_pipeline_versions(pipeline_id, filter=named(digest)).pipeline_versions
    upload = connection.upload_pipeline_version
    version = versions[0] if versions else upload(str(package), digest, pipeline_id=pipeline_id)
    return Version(pipeline_id, version.pipeline_version_id, digest, is_new=not versions)


def start(connection: "Connection", settings: Settings, version: Version, steps: frozenset[str]) -> Run:
    """Starts a run of a version.

    Raises:
      SettingsError: another run of the recommender is at work, and the metadata's store has room for one.
    """
    experiment_id = experiment(connection, settings)
    if settings.kubeflow.metadata.kind == "sqlite":
        for other in at_work(connection, experiment_id):
            if (other.pipeline_version_reference or version).pipeline_id == version.pipeline_id:
                raise SettingsError(
                    f"a run of {settings.name} is at work, and a SQLite file serves one at a time: "
                    f'{connection.address(other.run_id)}; wait for its end, or set kubeflow.metadata.kind to "mysql"'
                )
    run = connection.run_pipeline(
        experiment_id=experiment_id,
        job_name=f"{settings.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        service_account=settings.kubeflow.service_account,
    )
    return Run(run.run_id, connection.address(run.run_id), steps)


def experiment(connection: "Connection", settings: Settings) -> str:
    """Id of the experiment that holds the recommender's runs, created where it is absent."""
    return connection.create_experiment(settings.kubeflow.experiment or settings.name).experiment_id


def at_work(connection: "Connection", experiment_id: str) -> list[Any]:
    """The runs in an experiment that have not ended, of its latest hundred."""
    latest = connection.list_runs(page_size=_PAGE, sort_by="created_at desc", experiment_id=experiment_id).runs
    return [run for run in latest or [] if run.state not in FINAL]


def named(name: str) -> str:
    """The filter of the API for what has this name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _pipeline(connection: "Connection", name: str) -> str:
    """Id of the pipeline; it is created empty, as the version that comes with an upload has no name of its own."""
    from kfp_server_api import V2beta1Pipeline

    namespace = connection.run_namespace
    found = connection.list_pipelines(filter=named(name), namespace=namespace).pipelines
    body = V2beta1Pipeline(display_name=name, namespace=namespace)
    return (found[0] if found else connection.pipelines.create_pipeline(body)).pipeline_id
