"""Runs a recommender's pipeline on this machine, one node after another, and reports the results."""

import contextlib
import fcntl
import os
import shlex
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from rich.console import Console

from pipeline import artifacts, metadata_file, node, preflight
from pipeline.garbage_collector import loading
from pipeline.node import Node
from pipeline.reporting import data, report, terminal
from pipeline.reporting.terminal import escape
from recommender.sources.inspection import Inspection, inspect, look_at_columns
from recommender.sources.rows import rejects_as_csv
from schemas import layout
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings, Settings, check

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

PUSHED, FAILED, REFUSED, STOPPED = 0, 1, 3, 130
"""Exit statuses: pushed or unchanged; a step failed; gate or canary refused the model; stopped from the keyboard."""


def run(settings: Settings, verbose: bool = False, is_inferred: bool = False) -> int:
    """Runs the pipeline. A second run with the same settings, data and code reuses every result.

    Args:
      settings: of the recommender.
      verbose: shows the libraries' log on the terminal as well.
      is_inferred: whether the settings only name files; what is found in these is shown, and kept as a settings file.

    Returns:
      The exit status.

    Raises:
      SettingsError: a folder cannot be written to or named to TFX, or another run of this recommender is active.
      DataError: the data, or the metadata of earlier runs, cannot be used.
    """
    preflight.check(settings)
    inspection = _inspect(settings, is_inferred)
    if inspection and is_inferred:
        # What was found is set, so that the file that is kept gives the same run.
        settings = check(tomli.loads(inspection.as_toml()), "what was found")
    root = artifacts.plain_root(settings)
    real_root = settings.local.artifacts / settings.name
    with _only_run(real_root):
        metadata_file.check(real_root / layout.METADATA)
        run_id = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
        folder = settings.local.runs / run_id
        folder.mkdir(parents=True)
        with terminal.captured(folder / layout.LOG, verbose) as console:
            log = escape(str(folder / layout.LOG))
            console.print(f"Atalaya: {settings.name}, run {run_id}; log in {log}", soft_wrap=True)
            if inspection and is_inferred:
                kept = folder / f"{settings.name}.toml"
                kept.write_text(inspection.as_toml(), encoding="utf-8")
                console.print(f"Settings, as found in the data: {escape(str(kept))}", soft_wrap=True)
            try:
                nodes = _run_nodes(settings, root, run_id, console)
                return PUSHED if report.show(nodes, folder, inspection is not None, console) else REFUSED
            except (DataError, SettingsError):
                traceback.print_exc()
                raise
            except KeyboardInterrupt:
                console.print("Stopped. Run again to continue after the last finished step.")
                return STOPPED
            except Exception as error:
                traceback.print_exc()
                console.print(f"[red]{escape(node.explain(error))}[/]\n{log} has the full error.")
                return FAILED


def _inspect(settings: Settings, is_shown: bool) -> Inspection | None:
    """Reads the data before anything slow is loaded, and shows what is suspicious.

    Returns None for spans: TFX chooses one of them, and only the columns of all are looked at.

    Raises:
      DataError: the data cannot be used; rejected rows are listed in the folder of the runs.
    """
    _check_fetched(settings.data)
    if any("{" in pattern for pattern in settings.data.ratings_patterns):
        look_at_columns(settings.data)
        return None
    console = Console(highlight=False, emoji=False)
    with data.counting_rows(Console(stderr=True)) as progress:
        inspection = inspect(settings, progress)
    if is_shown:
        data.show(inspection, console)
    else:
        data.show_suspicions(inspection.suspicions, console)
    if not inspection.is_usable and inspection.rejects():
        listed = settings.local.runs / f"{settings.name}-rejects.csv"
        listed.write_text(rejects_as_csv(inspection.rejects()), encoding="utf-8")
        console.print(f"Rejected rows: {escape(str(listed))}", soft_wrap=True)
    inspection.check()
    return inspection


def _check_fetched(data: DataSettings) -> None:
    if data.folder.name == "movielens-100k" and not data.folder.exists():
        command = f"atalaya data fetch {data.folder.name} --folder {shlex.quote(str(data.folder.parent))}"
        raise DataError(f"{data.folder}: no such folder; `{command}` fetches the data")


def _run_nodes(settings: Settings, root: Path, run_id: str, console: Console) -> dict[str, Node]:
    started = time.monotonic()
    with terminal.waiting(console, "loading TensorFlow and TFX"):
        pipeline, connection = _compile(settings, root, run_id)
    for line in _find_again(connection, root):
        console.print(escape(line), style="yellow", soft_wrap=True)
    view = terminal.StepView(console, len(pipeline.nodes))
    nodes: dict[str, Node] = {}
    with view.attached():
        for wrapped in pipeline.nodes:
            node_id = wrapped.pipeline_node.node_info.id
            with view.step(node_id):
                nodes[node_id] = node.launch(pipeline, wrapped.pipeline_node, connection)
            view.done("unchanged, reused" if nodes[node_id].reused else "")
    console.print(f"{'in all':<32}{time.monotonic() - started:7.1f} s")
    return nodes


def _compile(settings: Settings, root: Path, run_id: str) -> tuple["Pipeline", Any]:
    """The pipeline's intermediate representation with this run's id, and its metadata store."""
    with loading():
        # Imported here: 10 to 30 seconds that --help and a wrong setting must not cost.
        import absl.logging
        from tfx.dsl.compiler.compiler import Compiler
        from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
        from tfx.orchestration import metadata
        from tfx.orchestration.portable import runtime_parameter_utils

        from pipeline.engines.signatures import remember_signatures
        from pipeline.pipeline import create_pipeline

    remember_signatures()
    absl.logging.set_verbosity(absl.logging.INFO)
    root.mkdir(parents=True, exist_ok=True)
    connection = metadata.sqlite_metadata_connection_config(str(root / layout.METADATA))
    pipeline = Compiler().compile(create_pipeline(settings, str(root), connection))
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return pipeline, connection


def _find_again(connection: Any, root: Path) -> list[str]:
    from tfx.orchestration import metadata

    try:
        with metadata.Metadata(connection) as handle:
            return artifacts.find_again(handle.store, root)
    except RuntimeError as error:
        raise RuntimeError(f"{root / layout.METADATA} cannot be used: {node.explain(error)}") from None


@contextlib.contextmanager
def _only_run(root: Path) -> Iterator[None]:
    """Holds a lock, which the operating system releases even if this process is killed."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / layout.LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"{root}: another run uses this folder; wait for its end, or set local.artifacts"
            ) from None
        yield
