"""Tables and lines of `atalaya versions`."""

from datetime import datetime, timezone
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.reporting.terminal import escape
from schemas.metrics import METRICS

_MAIN_METRICS = ("ndcg_at_10", "recall_at_100", "rmse", "lift_over_popularity")


def show_list(recommenders: list[dict[str, Any]], console: Console) -> None:
    """Prints a table for each recommender, the newest version first."""
    for recommender in recommenders:
        title = escape(recommender["name"])
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("version\npushed, UTC", no_wrap=True)
        versions = recommender["versions"]
        metrics = [name for name in _MAIN_METRICS if any(name in version["metrics"] for version in versions)]
        for metric in metrics:
            table.add_column(f"{METRICS[metric].label}\n95 % interval", justify="right")
        table.add_column("verdict", no_wrap=True)
        for version in reversed(versions):
            cells = [_value(version["metrics"].get(metric)) for metric in metrics]
            pushed = f"{version['version']}\n{_moment(version['version'])}"
            table.add_row(pushed, *cells, "\n".join([_verdict(version), *_notes(version)]))
        console.print(table if versions else f"{title}: no versions")
        if recommender["foreign"]:
            console.print(f"not versions: {escape(', '.join(recommender['foreign']))}", style="yellow")


def show_version(version: dict[str, Any], console: Console) -> None:
    """Prints the facts of one version, and its model card."""
    console.print(f"{escape(version['folder'])}, pushed {_moment(version['version'])} UTC")
    for note in _notes(version):
        console.print(f"  {note}")
    if version["card"] is None:
        console.print("  no model card")
        return
    _show_training(version["card"]["training"], console)
    _show_evaluation(version["card"]["evaluation"], console)


def _show_training(training: dict[str, Any], console: Console) -> None:
    data = training["data"]
    first, last = data["first_timestamp"], data["last_timestamp"]
    span = "without times" if first is None else f"{_moment(first)} to {_moment(last)} UTC"
    scale = data["rating_scale"]
    facts = {
        "trained on": f"{data['events']:,} events of {data['users']:,} users and {data['items']:,} items, {span}",
        "ratings": "none, so it predicts none" if scale is None else f"{scale[0]:g} to {scale[1]:g}",
        "catalogue": f"{data['catalogue_items']:,} items",
        "split": _split(data),
        "seeds": _pairs(training["seeds"]),
        "chosen": _pairs(training["chosen"]),
        "code version": training["code_version"],
        "libraries": _pairs(training["libraries"]),
    }
    for what, fact in facts.items():
        console.print(f"  {what:<14}{escape(fact)}", soft_wrap=True)


def _split(data: dict[str, Any]) -> str:
    method = data["split_method"]
    share = "each user's last event" if method == "last" else f"{data['eval_share']:g} of all events"
    return f"{method}, {share} to evaluate on"


def _show_evaluation(evaluation: dict[str, Any], console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("metric", "value", "95 % interval", "change"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for record in evaluation["metrics"]:
        if not record["slice"] and not _is_of_baseline(record["metric"]):
            change = "" if record["change"] is None else f"{record['change']:+.4f}"
            table.add_row(_label(record["metric"]), _number(record["value"]), _interval(record), change)
    console.print(table)
    for note in evaluation["notes"]:
        console.print(f"  {escape(note)}", soft_wrap=True)
    console.print("[bold green]Blessed[/]" if evaluation["blessed"] else "[bold red]Refused[/]")
    for check in evaluation["checks"]:
        where = f" on {check['slice']}" if check["slice"] else ""
        mark = "[green]yes[/]" if check["passed"] else "[bold red]NO [/]"
        console.print(f"  {mark} {_label(check['metric'])}{escape(where)}: {escape(check['rule'])}", soft_wrap=True)


def show_rollback(result: dict[str, Any], console: Console) -> None:
    """Prints the result of a rollback."""
    if not result["is_new"]:
        console.print(f"{result['asked_for']} is already the newest: {escape(result['folder'])}")
        return
    console.print(
        f"{escape(result['folder'])} is the newest version now, a copy of {result['asked_for']}. "
        f"{result['rolled_back_from']} is withdrawn: no run pushes its model again; a rollback to it does.",
        soft_wrap=True,
    )


def show_prune(recommenders: list[dict[str, Any]], console: Console) -> None:
    """Prints which versions were removed and which were kept."""
    for result in recommenders:
        removed, kept = (", ".join(map(str, result[key])) or "none" for key in ("removed", "kept"))
        console.print(f"{escape(result['name'])}: removed {removed}; kept {kept}", soft_wrap=True)
        for name, problem in result["left_alone"].items():
            console.print(f"  left alone: {escape(name)} ({escape(problem)})", style="yellow", soft_wrap=True)


def _notes(version: dict[str, Any]) -> list[str]:
    notes = []
    if version["newest"]:
        notes.append("[bold]newest[/]")
    if version["copy_of"]:
        notes += [f"copy of {version['copy_of']}", f"rolled back from {version['rolled_back_from']}"]
    if version["withdrawn"]:
        notes.append("[yellow]withdrawn by a rollback[/]")
    if version["problem"]:
        notes.append(f"[red]{escape(version['problem'])}[/]")
    return notes


def _verdict(version: dict[str, Any]) -> str:
    return {True: "[green]blessed[/]", False: "[red]refused[/]", None: "no model card"}[version["blessed"]]


def _value(record: dict[str, float | None] | None) -> str:
    return "" if record is None else f"{_number(record['value'])}\n{_interval(record)}"


def _label(metric: str) -> str:
    """The metric's label; its name if the card is older than the label."""
    return METRICS[metric].label if metric in METRICS else escape(metric)


def _is_of_baseline(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].group == "baselines"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _interval(record: dict[str, Any]) -> str:
    return "" if record["lower"] is None else f"{record['lower']:.4f} - {record['upper']:.4f}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
        if value is not None
    )


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return "unknown"  # a version that was numbered by other means
