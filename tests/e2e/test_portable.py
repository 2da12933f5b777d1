"""The pipeline with its Beam steps handed to a job server, their code run by two other processes.

Beam's own job server in Python takes the jobs over the same interfaces as a cluster's, without Java. It takes minutes:
the whole pipeline runs once, then Beam's steps run a second time, and the workers of each import TensorFlow anew.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import counting_worker
import engines
import job_server
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
WORKERS = 2
READ = r"ProfileRawRecords$"
DIVIDED = {
    "RatingsExampleGen": {"files of ratings": "^ParseRatings/", "shards of users": "^WriteRatings$"},
    "StatisticsGen": {"training examples": rf"^Read\[train\].*{READ}"},
    "Transform": {"users and items": rf"^TFXIOReadAndDecode.*{READ}"},
    "Evaluator": {"blocks of users": "^AskModel$"},
    "BatchRecommender": {"files of recommendations": "^WriteShard$"},
}
"""For each step on Beam, what its workers divide among them, and the transform that receives it."""
JOBS = {"Evaluator": 2}
"""Jobs of a step, if not one, each with its own workers: one asks the new model, the other the last blessed one."""
FILES = 4


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of the workers' counts, and the settings of a job server and a worker pool that run meanwhile."""
    folder = tmp_path_factory.mktemp("services")
    server, pool = ports.free(2)
    python = [sys.executable, "-W", "ignore"]
    (folder / "counts").mkdir()
    worker = folder / "worker"
    worker.write_text(
        f'#!/bin/sh\nexec {shlex.join([*python, counting_worker.__file__, str(folder / "counts")])} "$@"\n'
    )
    worker.chmod(0o755)
    commands = {
        "job_server": [job_server.__file__, str(WORKERS), "-p", str(server), "--staging_dir", str(folder / "staging")],
        "pool": [
            *("-m", "apache_beam.runners.worker.worker_pool_main"),
            *(f"--service_port={pool}", f"--container_executable={worker}"),
        ],
    }
    environment = os.environ | {"PYTHONPATH": str(engines.ROOT), "TF_USE_LEGACY_KERAS": "1"}
    processes = []
    try:
        for name, command in commands.items():
            with open(folder / f"{name}.log", "wb") as log:
                processes.append(
                    subprocess.Popen(
                        [*python, *command], env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
                    )
                )
        _wait_for([server, pool])
        yield (
            folder / "counts",
            (
                f'[beam]\nengine = "portable"\n[beam.portable]\njob_server = "localhost:{server}"\n'
                f'[beam.portable.workers]\nexternal.address = "localhost:{pool}"\n'
            ),
        )
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_two_workers_share_each_step_and_results_are_those_of_the_direct_engine(services, tmp_path):
    counts, section = services
    run = tmp_path / "run"
    run.mkdir()
    command = engines.prepare(run, "")
    _divide_ratings(run)
    engines.run(run, command)
    shutil.copytree(run, tmp_path / "direct")
    printed = engines.run_beam_steps(run, section)
    assert [step for step in printed.splitlines() if step in DIVIDED] == list(DIVIDED)
    for step, output in {"RatingsExampleGen": "examples", "Evaluator": "evaluation"}.items():
        assert len(list((run / "artifacts" / "shop" / step / output).iterdir())) == 2
    engines.assert_same_results(tmp_path / "direct", run)
    for step, parts in DIVIDED.items():
        for part, transform in parts.items():
            received = _received(counts, transform)
            print(f"{step}, {part}: {received}")
            assert len(received) == WORKERS * JOBS.get(step, 1), f"{step}, {part}: {received}"


def _divide_ratings(folder: Path) -> None:
    """Replaces the file of ratings by several, each of which a worker reads."""
    whole, config = folder / "data" / "ratings.csv", folder / "shop.toml"
    header, *rows = whole.read_text().splitlines()
    whole.unlink()
    for number in range(FILES):
        (folder / "data" / f"part-{number}.csv").write_text("\n".join([header, *rows[number::FILES]]) + "\n")
    config.write_text(config.read_text().replace('folder = "data"\n', 'folder = "data"\nratings = "part-*.csv"\n'))


def _received(counts: Path, transform: str) -> list[int]:
    """How many elements each of the workers that ran the transforms, a pattern, received."""
    found: Counter[str] = Counter()
    for worker in counts.iterdir():
        for bundle in map(json.loads, worker.read_text().splitlines()):
            found[worker.name] += sum(number for name, number in bundle.items() if re.search(transform, name))
    return sorted((+found).values())


def _wait_for(numbers: list[int]) -> None:
    until = time.monotonic() + START_SECONDS
    while not all(map(ports.listens, numbers)):
        assert time.monotonic() < until, f"nothing listens at one of {numbers} after {START_SECONDS} s"
        time.sleep(0.2)
