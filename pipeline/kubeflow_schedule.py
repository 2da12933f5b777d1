"""Recurring runs on Kubeflow Pipelines: one a recommender, under its name."""

import re
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline import kubeflow_client
from pipeline.kubeflow_client import Version
from pipeline.kubeflow_follow import SUCCEEDED
from schemas.environment import Credentials
from schemas.errors import SettingsError
from schemas.settings import Settings

if TYPE_CHECKING:
    from pipeline.kubeflow_connection import Connection

_PAGE = 100
_ZONE = (
    "Kubeflow Pipelines has one time zone for all schedules: the variable CRON_SCHEDULE_TIMEZONE of its deployment "
    "ml-pipeline-scheduledworkflow has to be {}; without it, it is UTC"
)


def check(cron: str) -> None:
    """Refuses what the server would take in another sense.

    Raises:
      SettingsError: not six fields, or seconds that start more than one run a minute.
    """
    fields = cron.split()
    if len(fields) == 5:
        # The server would take the minutes for seconds, the hours for minutes: 0 3 * * * is 3 past every hour there.
        raise SettingsError(
            f"--schedule {cron!r}: five fields, as in a crontab; Kubeflow Pipelines wants six, the seconds first: "
            f'"0 {cron}"'
        )
    if len(fields) != 6 or not re.fullmatch("[0-5]?[0-9]", fields[0]):
        raise SettingsError(
            f"--schedule {cron!r}: six fields are expected: second (a number), minute, hour, day of the month, month "
            'and day of the week, such as "0 0 3 * * *" for three at night'
        )


def schedule(settings: Settings, credentials: Credentials, cron: str, verbose: bool = False) -> int:
    """Uploads the pipeline and makes `cron` its recommender's one schedule.

    Raises:
      SettingsError: the settings do not allow it.
      ServiceError: the server cannot be reached or refuses.
    """
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        version, _ = kubeflow_client.uploaded(connection, settings, console)
        update(connection, settings, version, cron, console)
    return SUCCEEDED


def list_schedules(settings: Settings, credentials: Credentials, verbose: bool = False) -> int:
    """Shows all recurring runs of the server, or of the namespace where it has several users."""
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        _show(recurring_runs(connection), console)
    return SUCCEEDED


def unschedule(settings: Settings, credentials: Credentials, verbose: bool = False) -> int:
    """Removes the recommender's schedule."""
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        found = recurring_runs(connection, settings.name)
        for recurring in found:
            connection.disable_recurring_run(recurring.recurring_run_id)
        remove(connection, found, console)
        if not found:
            console.print(f"{settings.name} has no schedule")
    return SUCCEEDED


def update(connection: "Connection", settings: Settings, version: Version, cron: str, console: Console) -> None:
    """Makes `cron` the one schedule of the recommender, unless it is already.

    There is no call to change a recurring run: the new one is made disabled, and enabled when the old one no longer is,
    so that two never start runs. Broken off in between, none does, and the next call mends it.
    """
    experiment_id = kubeflow_client.experiment(connection, settings)
    wanted = {
        "description": f"Atalaya: {settings.name} at {cron}, {settings.kubeflow.time_zone}",
        "max_concurrency": settings.kubeflow.max_concurrency,
        "no_catchup": not settings.kubeflow.catch_up,
        "service_account": settings.kubeflow.service_account,
    }
    there = recurring_runs(connection, settings.name)
    current = next((found for found in there if _is(found, wanted, version, cron, experiment_id)), None)
    new = current or connection.create_recurring_run(
        experiment_id=experiment_id,
        job_name=settings.name,
        cron_expression=cron,
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        enabled=False,
        **wanted,
    )
    old = [found for found in there if found is not current]
    for recurring in old:
        connection.disable_recurring_run(recurring.recurring_run_id)
    if not current:
        connection.enable_recurring_run(new.recurring_run_id)
    console.print(f"{settings.name} is scheduled{' so already' if current else ''}: {_line(new)}", soft_wrap=True)
    if settings.kubeflow.time_zone != "UTC":
        console.print(_ZONE.format(settings.kubeflow.time_zone), style="yellow", soft_wrap=True)
    remove(connection, old, console)


def recurring_runs(connection: "Connection", name: str | None = None) -> list[Any]:
    """All recurring runs, or those of one name, in whatever experiment."""
    found: list[Any] = []
    token = ""
    while True:
        page = connection.list_recurring_runs(
            page_token=token,
            page_size=_PAGE,
            namespace=connection.run_namespace,
            filter=kubeflow_client.named(name) if name else None,
        )
        found += page.recurring_runs or []
        token = page.next_page_token
        if not token:
            return found


def remove(connection: "Connection", disabled: list[Any], console: Console) -> None:
    """Deletes recurring runs that are disabled, except those of which a run is at work: deletion would kill it."""
    for recurring in disabled:
        number = recurring.recurring_run_id
        at_work = kubeflow_client.at_work(connection, recurring.experiment_id)
        if any(run.recurring_run_id == number for run in at_work):
            console.print(
                f"schedule {number} is disabled, and not deleted while a run of it is at work: that would end "
                "the run. Given again later, the command deletes it",
                style="yellow",
                soft_wrap=True,
            )
        else:
            connection.delete_recurring_run(number)
            console.print(f"schedule {number} is deleted")


def _is(recurring: Any, wanted: dict[str, Any], version: Version, cron: str, experiment_id: str) -> bool:
    """Whether a recurring run is enabled and what is wanted."""
    reference = recurring.pipeline_version_reference
    return (
        recurring.status == "ENABLED"
        and recurring.experiment_id == experiment_id
        and (reference and reference.pipeline_version_id) == version.version_id
        and _cron(recurring) == cron
        # What is false, empty or absent may come back as absent; int64 comes back as text.
        and all(str(getattr(recurring, key) or "") == str(value or "") for key, value in wanted.items())
    )


def _show(found: list[Any], console: Console) -> None:
    if not found:
        console.print("no schedules")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("recommender", "schedule", "status", "at a time", "missed runs", "id"):
        table.add_column(heading, overflow="fold")
    for recurring in sorted(found, key=lambda recurring: recurring.display_name):
        table.add_row(
            escape(recurring.display_name),
            escape(_cron(recurring)),
            (recurring.status or "unknown").lower(),
            str(recurring.max_concurrency),
            "left out" if recurring.no_catchup else "made up for",
            recurring.recurring_run_id,
        )
    console.print(table)


def _line(recurring: Any) -> str:
    missed = "left out" if recurring.no_catchup else "made up for"
    at_a_time = f"at most {recurring.max_concurrency} at a time"
    return f"{escape(_cron(recurring))}, {at_a_time}, missed runs {missed} (id {recurring.recurring_run_id})"


def _cron(recurring: Any) -> str:
    trigger = recurring.trigger and recurring.trigger.cron_schedule
    return trigger.cron if trigger else "at intervals"
