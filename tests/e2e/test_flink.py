"""The pipeline with its Beam steps on a Flink cluster of this machine: `make test-flink`.

It takes a quarter of an hour: each Beam step is a job, for which both TaskManagers start a Python process that imports
TensorFlow. The tests are steps of one story and run in order.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import engines
import flink
import semaphores

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.flink,
    pytest.mark.skipif(bool(flink.why_not()), reason=flink.why_not()),
    semaphores.needed,
]
JOB_SECONDS = 600


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[flink.Cluster]:
    with flink.cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on the direct engine."""
    folder = tmp_path_factory.mktemp("direct")
    print(engines.run(folder, engines.prepare(folder, "")))
    return folder


def test_a_lost_task_manager_stops_no_run(cluster, direct, tmp_path):
    command = engines.prepare(tmp_path, cluster.settings())
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        _wait_for_a_job_at_work(cluster)
        cluster.kill("taskmanager-1")
        cluster.start("taskmanager-1")
        output, _ = process.communicate(timeout=3 * JOB_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    print(output)
    if process.returncode != 0:
        # Flink gave the job up: what the user sees is one error, and the next run goes on.
        assert process.returncode == 1 and "Error: " in output and "Traceback" not in output, output
        print(engines.run(tmp_path, command))
    assert cluster.finished_jobs() >= 5, "each of the five Beam steps is a job"
    engines.assert_same_results(direct, tmp_path)


def _wait_for_a_job_at_work(cluster: flink.Cluster) -> None:
    until = time.monotonic() + JOB_SECONDS
    while not cluster.running_vertices():
        assert time.monotonic() < until, "no job came to Flink"
        time.sleep(0.5)
