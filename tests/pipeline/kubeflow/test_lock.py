"""Steps of two runs on one SQLite file, each a process, as in two pods on one volume."""

import errno
import fcntl
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.code_version import sources_version
from pipeline.kubeflow import lock as kubeflow_lock
from pipeline.kubeflow import step as kubeflow_step
from pipeline.node import Node

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60
"""Only a test that fails waits so long."""
HOLDER = (
    "import sys; from pathlib import Path; from pipeline.kubeflow.lock import alone\n"
    "with alone(Path(sys.argv[1]), sys.argv[2]):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


@contextmanager
def _holding(store: Path, who: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the store until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(store), who]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


class _Step(threading.Thread):
    """A step of a run, in this process."""

    def __init__(self, run_id: str, store: Path):
        super().__init__(daemon=True)
        self._command = ["--node", "Pusher", "--run-id", run_id, "--ir", "{}", "--code", sources_version()]
        self._command += ["--sqlite", str(store)]
        self.status: int | None = None

    def run(self) -> None:
        self.status = kubeflow_step.main(self._command)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run ids of the steps that were launched."""
    found: list[str] = []

    def launch(options):
        found.append(options.run_id)
        return Node({}, reused=False)

    monkeypatch.setattr(kubeflow_step, "_launch", launch)
    monkeypatch.setattr(kubeflow_step, "_log_to_output", lambda: None)
    return found


@pytest.fixture
def waiting() -> Iterator[tuple[threading.Event, list[str]]]:
    """Set once a step says that it waits; and what was said."""
    event, said = threading.Event(), []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())
            event.set()

    logger, handler = logging.getLogger("atalaya"), Handler()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield event, said
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.mark.parametrize(("first", "second"), [("by-hand", "scheduled"), ("scheduled", "by-hand")])
def test_a_step_waits_while_another_runs_step_is_at_work_whichever_came_first(
    tmp_path, launched, waiting, first, second
):
    store = tmp_path / "new" / "metadata.sqlite"
    event, said = waiting
    with _holding(store, f"the step Trainer of the run {first}") as holder:
        step = _Step(second, store)
        step.start()
        assert event.wait(PATIENCE_S)
        assert said == [
            f"waiting for the step Trainer of the run {first}: one at a time uses the metadata store; if no step is "
            f"running, delete {store}.lock and start the run again"
        ]
        assert launched == []
        holder.stdin.close()
        step.join(PATIENCE_S)
    assert (step.status, launched) == (0, [second])


def test_a_killed_step_leaves_no_lock_behind(tmp_path, launched, waiting):
    store = tmp_path / "metadata.sqlite"
    with _holding(store, "the step Trainer of the run 1") as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    step = _Step("2", store)
    step.start()
    step.join(PATIENCE_S)
    assert (step.status, launched, waiting[1]) == (0, ["2"], [])


def test_steps_on_a_database_server_do_not_wait(tmp_path, launched):
    command = ["--node", "Pusher", "--run-id", "2", "--ir", "{}", "--code", sources_version()]
    assert kubeflow_step.main([*command, "--mysql", "db", "3306", "shops"]) == 0
    assert launched == ["2"]


def test_a_volume_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    expected = r"metadata.sqlite.lock: cannot be locked \(No locks available\): .* kubeflow.metadata.kind to .mysql."
    with pytest.raises(RuntimeError, match=expected), kubeflow_lock.alone(tmp_path / "metadata.sqlite", "a step"):
        pass
