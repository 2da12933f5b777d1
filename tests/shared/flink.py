"""A standalone Flink cluster on this machine: a JobManager, two TaskManagers and Beam's job server.

The files are fetched by tools/flink.sh. Every process has its own process group, so that killing the group also ends
its child processes, and uses a free port. Workers are started by the TaskManagers and belong to their groups.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ports

FOLDER = "ATALAYA_FLINK"
ROOT = Path(__file__).parents[2]
TASK_MANAGERS = 2
START_SECONDS = 180
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
# Memory for graphs of some hundred vertices with little data; a job that lost its TaskManager is restarted.
_CONFIG = """
env.java.opts.all: "{exports}"
jobmanager.rpc.address: localhost
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: localhost
jobmanager.memory.process.size: 1600m
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: 1
taskmanager.memory.process.size: 1600m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.network.sort-shuffle.min-buffers: 16
parallelism.default: {task_managers}
rest.address: localhost
rest.bind-address: localhost
rest.port: {rest}
heartbeat.interval: 5000
heartbeat.timeout: 120000
pekko.ask.timeout: 120 s
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 6
restart-strategy.fixed-delay.delay: 10 s
io.tmp.dirs: {folder}/tmp
classloader.resolve-order: parent-first
"""


def why_not() -> str:
    """Returns the reason why a cluster cannot be started, empty if it can."""
    if FOLDER not in os.environ:
        return f"{FOLDER} does not name the folder of Flink's files: `make test-flink` fetches them and runs this"
    if not shutil.which("java"):
        return "no java here (Debian: apt install openjdk-17-jre-headless)"
    return (
        "" if (files() / "complete").exists() else f"Flink's files are not in {files()}: `make test-flink` fetches them"
    )


def files() -> Path:
    """Returns the folder of the files that tools/flink.sh fetched."""
    return Path(os.environ[FOLDER])


@dataclass
class Cluster:
    """A running cluster; `rest` and `job_server` are ports of this machine."""

    folder: Path
    rest: int
    job_server: int
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def settings(self) -> str:
        """Returns the settings with which Beam steps run on this cluster."""
        return (
            f'[beam]\nengine = "flink"\n[beam.flink]\njob_server = "localhost:{self.job_server}"\n'
            f'[beam.flink.workers]\nkind = "process"\nprocess.command = "{self.folder / "worker"}"\n'
        )

    def start(self, name: str) -> None:
        """Starts the process with a name; its output is written to `<name>.log`."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                self._command(name), env=self._environment(), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """Kills a process and all processes that it started."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait(self) -> None:
        """Returns when all TaskManagers have registered and the job server listens."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {process.returncode}: {self.folder / name}.log")
            if self._num_task_managers() == TASK_MANAGERS and ports.listens(self.job_server):
                return
            time.sleep(0.5)
        raise RuntimeError(f"expected a complete Flink cluster within {START_SECONDS} s; the logs are in {self.folder}")

    def running_vertices(self) -> int:
        """Returns the number of running vertices of all jobs."""
        jobs = self._get("jobs/overview")["jobs"]
        return sum(job["tasks"]["running"] for job in jobs if job["state"] == "RUNNING")

    def finished_jobs(self) -> int:
        """Returns the number of finished jobs."""
        return sum(job["state"] == "FINISHED" for job in self._get("jobs/overview")["jobs"])

    def _num_task_managers(self) -> int:
        try:
            return int(self._get("overview")["taskmanagers"])
        except (OSError, ValueError):
            return 0

    def _get(self, path: str) -> dict:
        with urllib.request.urlopen(f"http://localhost:{self.rest}/{path}", timeout=10) as answer:
            return json.load(answer)

    def _command(self, name: str) -> list[str]:
        home = files() / "flink"
        if name == "job-server":
            [dist] = (home / "lib").glob("flink-dist-*.jar")
            ports = ["--job-port", str(self.job_server), "--artifact-port", "0", "--expansion-port", "0"]
            where = ["--job-host", "localhost", "--flink-master", f"localhost:{self.rest}"]
            artifacts = ["--artifacts-dir", str(self.folder / "artifacts")]
            return ["java", "-cp", f"{files()}/job-server/*:{dist}", _JOB_SERVER, *where, *ports, *artifacts]
        script = "jobmanager.sh" if name == "jobmanager" else "taskmanager.sh"
        return ["bash", str(home / "bin" / script), "start-foreground"]

    def _environment(self) -> dict[str, str]:
        folders = {"CONF": "conf", "LOG": "logs", "PID": "pids"}
        return os.environ | {
            "FLINK_HOME": str(files() / "flink"),
            "FLINK_LIB_DIR": str(self.folder / "lib"),
            **{f"FLINK_{name}_DIR": str(self.folder / folder) for name, folder in folders.items()},
        }


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Starts a cluster and always stops it; its logs are kept in `folder`."""
    rest, rpc, job_server = ports.free(3)
    conf = folder / "conf"
    shutil.copytree(files() / "flink" / "conf", conf)
    for name in ("tmp", "logs", "pids", "lib"):
        (folder / name).mkdir()
    # If Beam is among Flink's classes, and not only among the job's, workers outlive the stages of a job.
    for jar in [*files().glob("flink/lib/*.jar"), *files().glob("job-server/*.jar")]:
        if not jar.name.startswith("slf4j-"):
            (folder / "lib" / jar.name).symlink_to(jar.resolve())
    exports = next(line for line in (conf / "config.yaml").read_text().splitlines() if line.strip().startswith("all:"))
    (conf / "config.yaml").write_text(
        _CONFIG.format(
            exports=exports.strip().removeprefix("all: "),
            rpc=rpc,
            rest=rest,
            folder=folder,
            task_managers=TASK_MANAGERS,
        )
    )
    worker = folder / "worker"
    worker.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -W ignore -m pipeline.engines.beam_worker "$@"\n'
    )
    worker.chmod(0o755)
    started = Cluster(folder, rest, job_server)
    try:
        task_managers = [f"taskmanager-{number}" for number in range(TASK_MANAGERS)]
        for name in ["jobmanager", *task_managers, "job-server"]:
            started.start(name)
        started.wait()
        yield started
    finally:
        for name in list(started.processes):
            started.kill(name)
        for name in ("tmp", "artifacts"):
            shutil.rmtree(folder / name, ignore_errors=True)
