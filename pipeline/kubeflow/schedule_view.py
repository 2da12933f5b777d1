"""Lines and tables of recurring runs."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.reporting.terminal import escape
from schemas.settings import KubeflowSettings

_ZONE = (
    "Kubeflow Pipelines has one time zone for all schedules: the variable CRON_SCHEDULE_TIMEZONE of its deployment "
    "ml-pipeline-scheduledworkflow has to be {}; without it, the zone is UTC"
)
_ACCOUNT = (
    "This server ignores the service account {} of a schedule, as all before 2.17 do. Its runs get its default: "
    "pipeline-runner or, in a profile, default-editor; give that account what the steps need, such as a bucket"
)


def cron(recurring: Any) -> str:
    """The schedule's cron expression, if it has one."""
    trigger = recurring.trigger and recurring.trigger.cron_schedule
    return trigger.cron if trigger else "at intervals"


def show(what: str, recurring: Any, kubeflow: KubeflowSettings, console: Console) -> None:
    """Prints when a recurring run starts runs, and what the cluster needs for it."""
    said = f"{_line(recurring)}, {_in_zone(kubeflow.time_zone)} (id {recurring.recurring_run_id})"
    console.print(f"{what}: {said}", soft_wrap=True)
    if kubeflow.time_zone != "UTC":
        console.print(_ZONE.format(kubeflow.time_zone), style="yellow", soft_wrap=True)
    if kubeflow.service_account and recurring.service_account != kubeflow.service_account:
        console.print(_ACCOUNT.format(escape(kubeflow.service_account)), style="yellow", soft_wrap=True)


def show_all(found: list[Any], time_zone: str, console: Console) -> None:
    """Prints a table of recurring runs, and the time zone that the server is expected to have."""
    if not found:
        console.print("no schedules")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("recommender", "schedule", "status", "at a time", "missed runs", "id"):
        table.add_column(heading, overflow="fold")
    for recurring in sorted(found, key=lambda recurring: recurring.display_name):
        table.add_row(
            escape(recurring.display_name),
            escape(cron(recurring)),
            (recurring.status or "unknown").lower(),
            str(recurring.max_concurrency),
            "left out" if recurring.no_catchup else "started later",
            recurring.recurring_run_id,
        )
    console.print(table)
    console.print(f"Schedules are {_in_zone(time_zone)}", soft_wrap=True)


def _line(recurring: Any) -> str:
    missed = "left out" if recurring.no_catchup else "started later"
    at_a_time = f"at most {recurring.max_concurrency} at a time"
    return f"{escape(cron(recurring))}, {at_a_time}, missed runs {missed}"


def _in_zone(time_zone: str) -> str:
    return f"in the time zone {time_zone}, which is expected of the cluster"
