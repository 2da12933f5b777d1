"""Recurring runs on Kubeflow Pipelines: one for each recommender, with its name."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipeline.kubeflow import client as kubeflow_client
from pipeline.kubeflow import schedule_view as kubeflow_schedule_view
from pipeline.kubeflow.client import Version
from pipeline.kubeflow.follow import SUCCEEDED
from schemas.environment import Credentials
from schemas.errors import SettingsError
from schemas.settings import Settings

if TYPE_CHECKING:
    from pipeline.kubeflow.connection import Connection

_PAGE = 100
_SIGN = "Atalaya: "
"""The beginning of our recurring runs' descriptions; those of others may have the same name."""


def schedule(settings: Settings, credentials: Credentials, cron: str, verbose: bool = False) -> int:
    """Uploads the pipeline and makes `cron` the recommender's only schedule.

    Raises:
      SettingsError: the settings do not allow a schedule.
      ServiceError: the server cannot be reached or refuses.
    """
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        with kubeflow_client.compiled(settings, console) as package:
            update(connection, settings, package, cron, console)
    return SUCCEEDED


def list_schedules(settings: Settings, credentials: Credentials, verbose: bool = False) -> int:
    """Shows all recurring runs of the server or, if it has several users, of the namespace."""
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        kubeflow_schedule_view.show_all(recurring_runs(connection), settings.kubeflow.time_zone, console)
    return SUCCEEDED


def unschedule(settings: Settings, credentials: Credentials, verbose: bool = False) -> int:
    """Removes the recommender's schedule."""
    with kubeflow_client.quiet(verbose) as console:
        connection = kubeflow_client.connect(settings, credentials)
        found = _ours(connection, settings.name, console)
        for recurring in found:
            connection.disable_recurring_run(recurring.recurring_run_id)
        remove(connection, found, console)
        if not found:
            console.print(f"{settings.name} has no schedule")
    return SUCCEEDED


def update(connection: "Connection", settings: Settings, package: Path, cron: str, console: Console) -> None:
    """Makes `cron` the only schedule of the recommender, with the compiled pipeline, unless it is already.

    The API cannot change a recurring run. So the new one is created disabled, and enabled after the old one is
    disabled: two never start runs. If the command is interrupted in between, neither does, and the next call completes
    the change.

    Raises:
      SettingsError: a run of the old schedule is active, and no other may run at the same time; nothing is changed.
    """
    account = settings.kubeflow.service_account
    wanted = {
        # With the account: servers up to 2.16.1 forget it, newer ones return their default if none was given.
        "description": f"{_SIGN}{settings.name} at {cron}, {settings.kubeflow.time_zone}"
        + (f", as {account}" if account else ""),
        "max_concurrency": settings.kubeflow.max_concurrency,
        "no_catchup": not settings.kubeflow.catch_up,
    }
    there = _ours(connection, settings.name, console)
    version = kubeflow_client.find(connection, settings.name, package)
    experiment_id = kubeflow_client.find_experiment(connection, settings)
    current = next((found for found in there if _is(found, wanted, version, cron, experiment_id)), None)
    old = [found for found in there if found is not current]
    if not current:
        _check_at_rest(connection, settings, old)
    new = current or _create(connection, settings, package, cron, wanted, console)
    for recurring in old:
        connection.disable_recurring_run(recurring.recurring_run_id)
    if not current:
        _enable(connection, settings, new, old)
    what = f"{settings.name} is {'already ' if current else ''}scheduled"
    kubeflow_schedule_view.show(what, new, settings.kubeflow, console)
    remove(connection, old, console)


def _check_at_rest(connection: "Connection", settings: Settings, old: list[Any]) -> None:
    """Refuses to replace recurring runs if one of their runs and one of the new schedule could run at the same time."""
    runs = [_run_at_work(connection, recurring) for recurring in old if settings.kubeflow.max_concurrency == 1]
    for run in filter(None, runs):
        raise SettingsError(
            "a run of the schedule to be replaced is active, and max_concurrency is 1: "
            f"{connection.address(run.run_id)}; nothing is changed; run the command again when that run has ended"
        )


def _enable(connection: "Connection", settings: Settings, new: Any, old: list[Any]) -> None:
    """Enables a recurring run; undoes the change if an old one started a run before it was disabled."""
    try:
        _check_at_rest(connection, settings, old)
    except SettingsError:
        connection.delete_recurring_run(new.recurring_run_id)
        for recurring in old:
            if recurring.status == "ENABLED":
                connection.enable_recurring_run(recurring.recurring_run_id)
        raise
    connection.enable_recurring_run(new.recurring_run_id)


def _create(
    connection: "Connection", settings: Settings, package: Path, cron: str, wanted: dict[str, Any], console: Console
) -> Any:
    """A new recurring run, disabled."""
    version = kubeflow_client.upload(connection, settings.name, package, console)
    return connection.create_recurring_run(
        experiment_id=kubeflow_client.experiment(connection, settings),
        job_name=settings.name,
        cron_expression=cron,
        pipeline_id=version.pipeline_id,
        version_id=version.version_id,
        service_account=settings.kubeflow.service_account,
        enabled=False,
        **wanted,
    )


def recurring_runs(connection: "Connection", name: str | None = None) -> list[Any]:
    """All recurring runs, or those of one name, in all experiments."""
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


def _ours(connection: "Connection", name: str, console: Console) -> list[Any]:
    """The recommender's recurring runs that we made; prints a line for others of its name, which are left alone."""
    ours = []
    for recurring in recurring_runs(connection, name):
        if (recurring.description or "").startswith(_SIGN):
            ours.append(recurring)
        else:
            console.print(
                f"schedule {recurring.recurring_run_id} is also named {name}, but was not made by Atalaya: it is "
                "left alone",
                style="yellow",
                soft_wrap=True,
            )
    return ours


def _run_at_work(connection: "Connection", recurring: Any) -> Any | None:
    at_work = kubeflow_client.at_work(connection, recurring.experiment_id)
    return next((run for run in at_work if run.recurring_run_id == recurring.recurring_run_id), None)


def remove(connection: "Connection", disabled: list[Any], console: Console) -> None:
    """Deletes disabled recurring runs, except those with an active run: deletion would end that run."""
    for recurring in disabled:
        number = recurring.recurring_run_id
        if _run_at_work(connection, recurring):
            console.print(
                f"schedule {number} is disabled, but not deleted while one of its runs is active: that would end "
                "the run. Run the command again later to delete it",
                style="yellow",
                soft_wrap=True,
            )
        else:
            connection.delete_recurring_run(number)
            console.print(f"schedule {number} is deleted")


def _is(recurring: Any, wanted: dict[str, Any], version: Version | None, cron: str, experiment_id: str | None) -> bool:
    """Whether a recurring run is enabled and equal to the wanted one."""
    reference = recurring.pipeline_version_reference
    return bool(
        recurring.status == "ENABLED"
        and recurring.experiment_id == experiment_id
        and (reference and version and reference.pipeline_version_id == version.version_id)
        and kubeflow_schedule_view.cron(recurring) == cron
        # False and empty values may come back as absent ones; int64 comes back as text.
        and all(str(getattr(recurring, key) or "") == str(value or "") for key, value in wanted.items())
    )
