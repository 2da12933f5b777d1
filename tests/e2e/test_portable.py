"""The pipeline with its Beam steps handed to a job server, their code run by other processes.

Beam's own job server in Python takes the jobs over the same interfaces as a cluster's, without Java. It takes minutes:
the whole pipeline runs once, then Beam's steps run a second time, and the workers of each import TensorFlow anew.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import engines
import ports
import semaphores

NAME = socket.getfqdn()
"""By which Beam's workers look for the job server."""


def _has_an_address() -> bool:
    try:
        return bool(socket.getaddrinfo(NAME, None))
    except OSError:
        return False


pytestmark = [
    pytest.mark.e2e,
    semaphores.needed,
    pytest.mark.skipif(not _has_an_address(), reason=f"this machine's own name, {NAME}, has no address (/etc/hosts)"),
]
START_SECONDS = 120
POOL = "worker.worker_pool_main"
STEPS = ["RatingsExampleGen", "StatisticsGen", "Transform", "BatchRecommender"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder with the logs of a job server and a worker pool that run as long as the tests, and their settings."""
    folder = tmp_path_factory.mktemp("services")
    job_server, pool = ports.free(2)
    # The pool starts `python`, whichever comes first.
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(engines.ROOT),
        "TF_USE_LEGACY_KERAS": "1",
    }
    modules = {
        "portability.local_job_service_main": ["-p", str(job_server), "--staging_dir", str(folder / "staging")],
        POOL: [f"--service_port={pool}"],
    }
    processes = []
    try:
        for module, arguments in modules.items():
            command = [sys.executable, "-W", "ignore", "-m", f"apache_beam.runners.{module}", *arguments]
            with open(folder / f"{module}.log", "wb") as log:
                processes.append(
                    subprocess.Popen(
                        command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
                    )
                )
        _wait_for([job_server, pool])
        yield (
            folder,
            (
                f'[beam]\nengine = "portable"\n[beam.portable]\njob_server = "localhost:{job_server}"\n'
                f'[beam.portable.workers]\nexternal.address = "localhost:{pool}"\n'
            ),
        )
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_results_are_those_of_the_direct_engine(services, tmp_path):
    folder, section = services
    (tmp_path / "run").mkdir()
    engines.run(tmp_path / "run", engines.prepare(tmp_path / "run", ""))
    shutil.copytree(tmp_path / "run", tmp_path / "direct")
    printed = engines.run_beam_steps(tmp_path / "run", section)
    assert [step for step in printed.splitlines() if step in STEPS] == STEPS
    started = (folder / f"{POOL}.log").read_text().count("Starting worker with command")
    assert started >= len(STEPS), "each step is a job at least"
    for step, output in {"RatingsExampleGen": "examples", "Evaluator": "evaluation"}.items():
        assert len(list((tmp_path / "run" / "artifacts" / "shop" / step / output).iterdir())) == 2
    engines.assert_same_results(tmp_path / "direct", tmp_path / "run")


def _wait_for(numbers: list[int]) -> None:
    until = time.monotonic() + START_SECONDS
    while not all(map(ports.listens, numbers)):
        assert time.monotonic() < until, f"nothing listens at one of {numbers} after {START_SECONDS} s"
        time.sleep(0.2)
