"""The processes of the steps, with steps that need no TFX."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import steps
from pipeline.local.messages import Compile, Said
from pipeline.local.steps import StepError, Steps
from pipeline.node import Node
from schemas.errors import DataError
from schemas.settings import Settings

ROOT = Path(__file__).parents[3]
STEPS = """
import logging, os, signal, subprocess, sys, tempfile
from types import SimpleNamespace
from pipeline.local import server
from pipeline.node import Artifact, Node
from schemas.errors import DataError

def launch(pipeline, one, connection, lock):
    os.write(2, b"native noise, cut off")
    if "fails" in one.node_info.id:
        raise RuntimeError("outer") from OSError("No space left on device")
    if "refuses" in one.node_info.id:
        raise DataError("stars.csv: no rows")
    if "dies" in one.node_info.id:
        os.kill(os.getpid(), signal.SIGKILL)
    if "sleeps" in one.node_info.id:
        child = subprocess.Popen(["sleep", "600"])
        tempfile.mkstemp()
        logging.getLogger("atalaya").info(f"{os.getpid()} {child.pid}")
        child.wait()
    log = logging.getLogger("atalaya")
    log.info("two-tower: 2 epochs")
    log.debug("epoch 1/2: 3 of 10", extra={"progress": ("epoch 1/2", 3, 10)})
    return Node({"model": [Artifact(str(lock), {"process": os.getpid()})]}, reused=False)

names = ["works", "fails", "refuses", "dies", "sleeps", "sleeps too"]
nodes = [SimpleNamespace(node_info=SimpleNamespace(id=name), upstream_nodes=["above"]) for name in names]
pipeline = SimpleNamespace(nodes=[SimpleNamespace(pipeline_node=one) for one in nodes])
server.import_tfx = lambda: print("imported")
server.compile_pipeline = lambda *_: (pipeline, None)
server._find_again = lambda *_: ["found again"]
server.node.launch = launch
"""
PROGRAM = steps._PROGRAM.replace("from pipeline.local.server", f"{STEPS}\nfrom pipeline.local.server")


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    monkeypatch.setattr(steps, "_PROGRAM", PROGRAM)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with open(tmp_path / "lock", "w") as lock, Steps(lock) as running:
        yield running


def _compile(running: Steps, root: Path, draws: bool = True):
    settings = Settings.model_validate({"name": "shop", "data": {"folder": "d"}})
    return running.compile(Compile(settings, root, "1", draws))


def test_a_step_has_a_process_whose_result_messages_and_output_come_here(running, tmp_path, capfd):
    ready = _compile(running, tmp_path)
    assert ready.upstream["works"] == ["above"] and ready.found == ["found again"]
    said: list[Said] = []
    running.start("works")
    name, result = running.wait(said.append)
    assert name == "works"
    [artifact] = result.outputs["model"]
    assert artifact.uri == str(tmp_path / "metadata.lock") and artifact.properties["process"] != os.getpid()
    assert [(one.message, one.progress) for one in said] == [
        ("two-tower: 2 epochs", None),
        ("epoch 1/2: 3 of 10", ("epoch 1/2", 3, 10)),
    ]
    running.stop()
    lines = sorted(capfd.readouterr().out.splitlines())
    assert lines == ["imported", "works: native noise, cut offtwo-tower: 2 epochs"]


def test_where_nothing_is_drawn_progress_is_reported_once_a_minute(running, tmp_path):
    _compile(running, tmp_path, draws=False)
    said: list[Said] = []
    running.start("works")
    running.wait(said.append)
    assert [one.message for one in said] == ["two-tower: 2 epochs"]


def test_the_error_of_a_step_is_explained_and_its_trace_is_in_the_output(running, tmp_path, capfd):
    _compile(running, tmp_path)
    ended = {}
    for name in ("fails", "refuses", "dies"):
        running.start(name)
        ended.update([running.wait(lambda said: None)])
    assert isinstance(ended["refuses"], DataError) and str(ended["refuses"]) == "stars.csv: no rows"
    assert isinstance(ended["fails"], StepError) and str(ended["fails"]).startswith("fails: The disk is full")
    assert isinstance(ended["dies"], StepError) and "memory" in str(ended["dies"])
    running.start("works")
    assert isinstance(running.wait(lambda said: None)[1], Node)
    running.stop()
    assert "fails: RuntimeError: outer" in capfd.readouterr().out


def test_what_cannot_be_compiled_is_explained(tmp_path, monkeypatch):
    broken = "server._find_again = lambda *_: 1 / 0"
    monkeypatch.setattr(steps, "_PROGRAM", PROGRAM.replace("server.node.launch =", f"{broken}\nserver.node.launch ="))
    with open(tmp_path / "lock", "w") as lock, Steps(lock) as running, pytest.raises(StepError, match=r"^ZeroDivision"):
        _compile(running, tmp_path)


def test_a_process_that_cannot_start_is_no_endless_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "_PROGRAM", "raise SystemExit(1)")
    with open(tmp_path / "lock", "w") as lock, Steps(lock) as running, pytest.raises(StepError, match="ended"):
        _compile(running, tmp_path)


def _are_gone(processes: list[int]) -> bool:
    end = time.monotonic() + 20
    while any(Path(f"/proc/{process}/stat").exists() and _state(process) != "Z" for process in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_all_processes_end_at_once_when_they_are_stopped(running, tmp_path):
    _compile(running, tmp_path)
    started: list[int] = []
    for name in ("sleeps", "sleeps too"):
        running.start(name)
    with pytest.raises(KeyboardInterrupt):
        running.wait(lambda said: started.extend(map(int, said.message.split())) or _interrupt(len(started) == 4))
    assert len(list(tmp_path.glob("atalaya-*/*"))) == 2, "each of them has a temporary file"
    running.stop()
    assert _are_gone(started) and not list(tmp_path.glob("atalaya-*"))


def test_if_the_process_that_forks_is_lost_the_run_fails_and_its_steps_end(running, tmp_path):
    _compile(running, tmp_path)
    running.start("sleeps")
    started: list[int] = []

    def kill(said: Said) -> None:
        started.extend(map(int, said.message.split()))
        running._process.kill()

    with pytest.raises(StepError, match="the process that starts the steps has ended"):
        running.wait(kill)
    running.stop()
    assert _are_gone(started)


def _interrupt(now: bool) -> None:
    if now:
        raise KeyboardInterrupt


def test_no_process_outlives_a_run_that_is_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom pipeline.local import steps\nfrom pipeline.local.messages import Compile\n"
        "from schemas.settings import Settings\n"
        f"steps._PROGRAM = {PROGRAM!r}\n"
        "settings = Settings.model_validate({'name': 'shop', 'data': {'folder': 'd'}})\n"
        "with open(sys.argv[1], 'w') as lock, steps.Steps(lock) as running:\n"
        "    running.compile(Compile(settings, Path('x'), '1', True))\n"
        "    running.start('sleeps')\n"
        "    running.start('sleeps too')\n"
        "    running.wait(lambda said: os.write(1, f'started {said.message}\\n'.encode()))\n"
    )
    command = [sys.executable, str(program), str(tmp_path / "lock")]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        lines = (line.split() for line in process.stdout if line.startswith("started"))
        started = [int(number) for _ in range(2) for number in next(lines)[1:]]
        process.send_signal(signal.SIGKILL)
    assert len(started) == 4 and _are_gone(started) and not list(tmp_path.glob("atalaya-*"))
