"""Runs a recommender's pipeline on this machine and reports the results."""

import contextlib
import fcntl
import os
import shlex
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

import tomli
from rich.console import Console

from pipeline import artifacts, metadata_file, node, preflight
from pipeline.local import order, unchanged
from pipeline.local.messages import Compile
from pipeline.local.steps import StepError, Steps
from pipeline.local.unchanged import Record
from pipeline.node import Node
from pipeline.reporting import data, report, terminal
from pipeline.reporting.terminal import escape
from recommender.sources.inspection import Inspection, inspect, look_at_columns
from recommender.sources.rows import rejects_as_csv
from schemas import layout
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings, Settings, check

PUSHED, FAILED, REFUSED, STOPPED = 0, 1, 3, 130
"""Exit statuses: pushed or unchanged; a step failed; gate or canary refused the model; stopped from the keyboard."""
_SECONDS_TO_END = 2.0
"""For the processes of a run that was killed."""


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
    started = time.monotonic()
    preflight.check(settings)
    root = artifacts.plain_root(settings)
    real_root = settings.local.artifacts / settings.name
    with _only_run(real_root) as lock:
        run_key = unchanged.key(settings, root, is_inferred)
        earlier = unchanged.find(run_key, root, settings.data)
        # TFX is imported while the data are read.
        with contextlib.nullcontext(earlier) if earlier else Steps(lock) as source:
            inspection = None
            if earlier and not is_inferred:
                data.show_suspicions(earlier.suspicions, _console())
            else:
                inspection = _inspect(settings, is_inferred)
            if inspection and is_inferred:
                # What was found is set, so that the file that is kept gives the same run.
                settings = check(tomli.loads(inspection.as_toml()), "what was found")
            metadata_file.check(real_root / layout.METADATA)
            with _logged(settings, inspection if is_inferred else None, verbose) as (folder, console):
                try:
                    nodes = _nodes(settings, root, folder.name, source, console)
                    console.print(f"{'in all':<32}{time.monotonic() - started:7.1f} s")
                    is_blessed = report.show(nodes, folder, bool(inspection or earlier), console)
                    if inspection and not earlier:
                        _remember(run_key, root, nodes, inspection)
                    return PUSHED if is_blessed else REFUSED
                except (DataError, SettingsError):
                    traceback.print_exc()
                    raise
                except KeyboardInterrupt:
                    console.print("Stopped. Run again to continue after the last finished step.")
                    return STOPPED
                except Exception as error:
                    traceback.print_exc()
                    text = str(error) if isinstance(error, StepError) else node.explain(error)
                    console.print(f"[red]{escape(text)}[/]\n{escape(str(folder / layout.LOG))} has the full error.")
                    return FAILED


@contextlib.contextmanager
def _logged(settings: Settings, found: Inspection | None, verbose: bool) -> Iterator[tuple[Path, Console]]:
    """Makes the folder of a run, with its log and the settings that were found in the data; yields it and a console."""
    folder = settings.local.runs / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
    folder.mkdir(parents=True)
    with terminal.captured(folder / layout.LOG, verbose) as console:
        log = escape(str(folder / layout.LOG))
        console.print(f"Atalaya: {settings.name}, run {folder.name}; log in {log}", soft_wrap=True)
        if found:
            kept = folder / f"{settings.name}.toml"
            kept.write_text(found.as_toml(), encoding="utf-8")
            console.print(f"Settings, as found in the data: {escape(str(kept))}", soft_wrap=True)
        yield folder, console


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
    console = _console()
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


def _console() -> Console:
    return Console(highlight=False, emoji=False)


def _check_fetched(data: DataSettings) -> None:
    if data.folder.name == "movielens-100k" and not data.folder.exists():
        command = f"atalaya data fetch {data.folder.name} --folder {shlex.quote(str(data.folder.parent))}"
        raise DataError(f"{data.folder}: no such folder; `{command}` fetches the data")


def _nodes(settings: Settings, root: Path, run_id: str, source: Steps | Record, console: Console) -> dict[str, Node]:
    """The results of the steps, which run unless there is a record of them."""
    if not isinstance(source, Record):
        unchanged.forget(root)
        return _run_nodes(settings, root, run_id, source, console)
    view = terminal.StepView(console, len(source.nodes))
    for step, result in source.nodes.items():
        view.start(step)
        view.end(step, _outcome(result))
    return source.nodes


def _run_nodes(settings: Settings, root: Path, run_id: str, steps: Steps, console: Console) -> dict[str, Node]:
    try:
        with terminal.waiting(console, "loading TensorFlow and TFX"):
            ready = steps.compile(Compile(settings, root, run_id, terminal.draws(console)))
        for line in ready.found:
            console.print(escape(line), style="yellow", soft_wrap=True)
        view = terminal.StepView(console, len(ready.upstream))

        def start(step: str) -> None:
            view.start(step)
            steps.start(step)

        def wait() -> tuple[str, Node | Exception]:
            step, outcome = steps.wait(lambda said: view.say(*said))
            view.end(step, _outcome(outcome))
            if isinstance(outcome, Exception) and steps.are_running:  # it is raised only when they have ended
                console.print(f"[red]{escape(str(outcome))}[/]")
            return step, outcome

        with view.shown():
            return order.run_all(ready.upstream, settings.local.jobs or len(os.sched_getaffinity(0)), start, wait)
    finally:
        # The log receives the steps' output, so it is closed later.
        steps.stop()


def _remember(run_key: str, root: Path, nodes: dict[str, Node], inspection: Inspection) -> None:
    """Writes the record for the next run, which can do without it."""
    try:
        unchanged.write(run_key, root, nodes, inspection.suspicions)
    except OSError:
        traceback.print_exc()


def _outcome(outcome: Node | Exception) -> str:
    if isinstance(outcome, Exception):
        return "failed"
    return "unchanged, reused" if outcome.reused else ""


@contextlib.contextmanager
def _only_run(root: Path, wait: float = _SECONDS_TO_END) -> Iterator[TextIO]:
    """Holds a lock, which the operating system releases when this process and its steps have ended, however that is."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / layout.LOCK, "w") as lock:
        end = time.monotonic() + wait
        while not _lock(lock):
            if time.monotonic() >= end:
                raise SettingsError(f"{root}: another run uses this folder; wait for its end, or set local.artifacts")
            time.sleep(0.1)
        yield lock


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
