"""Follows a run on Kubeflow Pipelines: prints the states of its steps until it has ended."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from pipeline.reporting.terminal import escape
from schemas.errors import ServiceError

if TYPE_CHECKING:
    from pipeline.kubeflow.connection import Connection

SUCCEEDED, FAILED, STOPPED = 0, 1, 130
"""Exit statuses: done; the run failed or was terminated; following was stopped from the keyboard."""
POLL_S = 5.0
_GOOD = ("SUCCEEDED", "SKIPPED")
FINAL = (*_GOOD, "FAILED", "CANCELED")
"""States that a run or a step no longer leaves."""
_ENDED = ("CANCELING", "CANCELED")
_TRIES = 6
"""Attempts to reach a server that does not answer, at intervals that double: two and a half minutes in all."""


class Run(NamedTuple):
    """A run on the server."""

    run_id: str
    address: str
    """Its page in the user interface."""
    steps: frozenset[str]
    """Names of the tasks in the compiled pipeline."""
    namespace: str
    """The namespace of its pods."""


def follow(connection: "Connection", run: Run, console: Console, poll_s: float = POLL_S) -> int:
    """Prints each change of a step's state until the run has ended.

    Args:
      connection: to the server.
      run: the run to follow.
      console: the terminal.
      poll_s: seconds between two requests; they double each time while the server does not answer.

    Returns:
      The exit status.

    Raises:
      ServiceError: the server refuses a request, or does not answer for two and a half minutes.
    """
    shown: dict[str, str] = {}
    ended = False
    try:
        while True:
            state = _state(connection, run, console, poll_s)
            _show_steps(state, run, shown, console)
            # A run that is terminated is CANCELING first, then FAILED.
            ended = ended or state.state in _ENDED or any(past.state in _ENDED for past in state.state_history or [])
            if state.state in FINAL:
                return _show_end(state, run, ended, console)
            time.sleep(poll_s)
    except KeyboardInterrupt:
        console.print(f"Stopped following; the run continues: {escape(run.address)}", soft_wrap=True)
        return STOPPED
    except ServiceError as error:
        raise ServiceError(f"{error}\nThe run continues: {run.address}", error.status) from None


def _state(connection: "Connection", run: Run, console: Console, poll_s: float) -> Any:
    for attempt in range(1, _TRIES + 1):
        try:
            return connection.get_run(run.run_id)
        except ServiceError as error:
            if 0 < error.status < 500 or attempt == _TRIES:
                raise
            console.print(f"{_clock()}  no answer ({attempt} of {_TRIES}), trying again", style="yellow")
            time.sleep(poll_s * 2 ** (attempt - 1))
    raise AssertionError("unreachable")


def _show_steps(state: Any, run: Run, shown: dict[str, str], console: Console) -> None:
    """Prints the steps whose state differs from that in `shown`, and records it there."""
    for task in _tasks(state):
        if task.display_name in run.steps and task.state and shown.get(task.display_name) != task.state:
            shown[task.display_name] = task.state
            console.print(f"{_clock()}  {task.display_name:<24}{task.state.lower()}{_took(task)}")


def _show_end(state: Any, run: Run, ended: bool, console: Console) -> int:
    if state.state in _GOOD:
        console.print(
            "[bold green]The run succeeded[/]. A refused model fails no step: whether it was pushed is in the "
            f"summary and the log of the step pusher: {escape(run.address)}",
            soft_wrap=True,
        )
        return SUCCEEDED
    console.print(
        f"[bold red]The run {'was terminated' if ended else 'failed'}[/]: {escape(run.address)}", soft_wrap=True
    )
    if state.error:
        console.print(f"  {escape(state.error.message)}", soft_wrap=True)
    failed = [task.display_name for task in _tasks(state) if task.display_name in run.steps and task.state == "FAILED"]
    if failed:
        console.print(
            f"Failed: {', '.join(failed)}. Kubeflow's API does not give the reason; the log of each step does:\n"
            f"  kubectl logs -n {run.namespace} -l pipeline/runid={run.run_id} -c main --prefix --tail=-1 | "
            "grep 'failed: '\n"
            "Where the pod is gone, see the step's artifact executor-logs, which newer servers (2.17) keep.",
            soft_wrap=True,
            markup=False,
        )
    return FAILED


def _tasks(state: Any) -> list[Any]:
    return (state.run_details and state.run_details.task_details) or []


def _took(task: Any) -> str:
    if not (task.state in FINAL and task.start_time and task.end_time):
        return ""
    return f", {(task.end_time - task.start_time).total_seconds():.0f} s"


def _clock() -> str:
    return f"{datetime.now():%H:%M:%S}"
