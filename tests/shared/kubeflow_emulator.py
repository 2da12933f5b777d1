"""Runs what was compiled for Kubeflow Pipelines on this machine: each container's command in a process.

It fills in placeholders as Kubeflow's driver and launcher do, and no others: `{{$.pipeline_job_uuid}}` where it is the
whole value of a task's parameter, and in a command the task's parameters, the paths of output artifacts and `{{$}}`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import yaml

from forks import Forked, Forks


class Emulator:
    """One compiled pipeline, and where it runs."""

    def __init__(
        self,
        package: Path,
        folder: Path,
        environment: dict[str, str],
        forks: Forks,
        fresh: Collection[tuple[str, str]] = (),
    ):
        """Reads the pipeline.

        Args:
          package: the compiled file.
          folder: for working directories, logs and Kubeflow's own artifacts.
          environment: of the containers.
          forks: what starts the steps.
          fresh: runs and their steps that start as fresh processes instead.
        """
        self._specification = next(yaml.safe_load_all(package.read_text()))
        self._folder, self._environment = folder, environment
        self._forks, self._fresh = forks, fresh
        self.tasks: dict[str, Any] = self._specification["root"]["dag"]["tasks"]

    def output(self, run_id: str, step: str, name: str) -> Path:
        """The file of an output artifact; `executor_output.json` is what the step says of them all."""
        return self._folder / "kubeflow" / run_id / step / name

    def upstream(self, step: str) -> set[str]:
        """All steps that it waits for, and that these wait for."""
        direct = set(self.tasks[step].get("dependentTasks", []))
        return direct.union(*(self.upstream(name) for name in direct))

    def start(self, step: str, run_id: str) -> subprocess.Popen[str] | Forked:
        """Starts a step in an empty working directory, its standard error with its standard output."""
        directory = self._folder / "empty" / run_id / f"{step}-{time.monotonic_ns()}"
        directory.mkdir(parents=True)
        command = self._command(step, run_id)
        if (run_id, step) not in self._fresh:
            return self._forks.popen(command, cwd=directory, env=self._environment)
        return subprocess.Popen(
            command,
            cwd=directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, step: str, run_id: str) -> str:
        """Runs a step to its end and returns what it printed."""
        process = self.start(step, run_id)
        printed, _ = process.communicate()
        assert process.returncode == 0, printed[-5000:]
        return printed

    def run_all(self, run_id: str, at_once: int, steps: Collection[str] | None = None) -> dict[str, str]:
        """Runs these steps, or all, each after those it waits for, the others being done; returns what each printed."""
        wanted = self.tasks if steps is None else {step: self.tasks[step] for step in steps}
        done = set(self.tasks) - set(wanted)
        printed: dict[str, str] = {}
        running: dict[Future[str], str] = {}
        with ThreadPoolExecutor(at_once) as pool:
            while len(printed) < len(wanted):
                for step, task in wanted.items():
                    ready = set(task.get("dependentTasks", [])) <= {*done, *printed}
                    if ready and step not in (*printed, *running.values()) and len(running) < at_once:
                        running[pool.submit(self.run, step, run_id)] = step
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    printed[running.pop(future)] = future.result()
        return printed

    def _command(self, step: str, run_id: str) -> list[str]:
        component = self._specification["components"][self.tasks[step]["componentRef"]["name"]]
        container = self._specification["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        filled = self._placeholders(step, run_id, component)
        command = []
        for part in [*container["command"], *container["args"]]:
            for placeholder, value in filled.items():
                part = part.replace(placeholder, value)
            assert "{{" not in part.replace(filled["{{$}}"], ""), part
            command.append(part)
        assert command[0] == "python"
        return [sys.executable, *command[1:]]

    def _placeholders(self, step: str, run_id: str, component: dict[str, Any]) -> dict[str, str]:
        values = {
            name: parameter["runtimeValue"]["constant"]
            for name, parameter in self.tasks[step]["inputs"]["parameters"].items()
        }
        values = {name: run_id if value == "{{$.pipeline_job_uuid}}" else value for name, value in values.items()}
        names = component.get("outputDefinitions", {}).get("artifacts", {})
        artifacts = {
            name: {"artifacts": [{"uri": f"minio://pipelines/{run_id}/{step}/{name}", "metadata": {}}]}
            for name in names
        }
        executor_input = {
            "inputs": {"parameterValues": values},
            "outputs": {
                "artifacts": artifacts,
                "outputFile": str(self.output(run_id, step, "executor_output.json")),
            },
        }
        return {
            "{{$}}": json.dumps(executor_input),
            **{f"{{{{$.inputs.parameters['{name}']}}}}": value for name, value in values.items()},
            **{f"{{{{$.outputs.artifacts['{name}'].path}}}}": str(self.output(run_id, step, name)) for name in names},
        }
