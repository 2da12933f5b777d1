"""The report at the end of a run: rows, metrics with thresholds and baselines, the verdict, where files are."""

import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.node import WRITTEN, Node
from pipeline.reporting import counted, report_on_device, summary
from pipeline.reporting.summary import MetricRow
from pipeline.reporting.terminal import escape
from schemas import canary as canary_schema
from schemas import layout, on_device_record
from schemas import signatures as names
from schemas import verdict as verdict_schema
from schemas.canary import CanaryRecord
from schemas.metrics import Group
from schemas.verdict import CheckRecord, MetricRecord, Verdict

_SHOWN_ANOMALIES = 10
_SHOWN_FAILURES = 10
_SLICE_COLUMNS = {
    "users": "evaluated_users",
    "NDCG@10": "ndcg_at_10",
    "above popularity": "lift_over_popularity",
    "RMSE": "rmse",
    "below biases": "lift_over_bias",
}
_TABLES: dict[str, tuple[Group, ...]] = {
    "What users are recommended, on the evaluation split": ("users", "lists", "liked", "lifts"),
    "Predicted ratings": ("ratings",),
    "Concentration of what is recommended": ("concentration",),
    "Retrieval alone, and measures per event": ("retrieve", "events"),
}
"""Groups of metrics by the title of their table; the slices come before the last one."""

_OPTIONAL_EXPORTS = (
    ("IndexExporter", "index", "approximate index", f"{layout.EXTRA}/index"),
    ("OnDeviceExporter", "on_device_models", "on-device sequences", layout.ON_DEVICE),
)
"""Node, its output, its name in the report, and its folder in the output and in a version."""


def show(nodes: dict[str, Node], run_folder: Path, is_inspected: bool, console: Console) -> bool:
    """Prints the report of a finished run, and writes the verdict and the canary's record into the run's folder.

    Args:
      nodes: the nodes that ran, by id.
      run_folder: the folder of the run.
      is_inspected: whether what is suspicious in the data was shown before the run.
      console: the terminal.

    Returns:
      Whether the model was blessed, by the gate and by the canary.
    """
    examples = _output(nodes, "RatingsExampleGen", "examples")
    verdict = verdict_schema.read(nodes["Evaluator"].outputs["evaluation"][0].uri)
    (run_folder / layout.VERDICT).write_text(verdict.model_dump_json(indent=1), encoding="utf-8")
    canary = canary_schema.read(nodes["Canary"].outputs["blessing"][0].uri)
    (run_folder / layout.CANARY).write_text(canary.model_dump_json(indent=1), encoding="utf-8")
    summed = json.loads((examples / "summary.json").read_text(encoding="utf-8"))
    _show_data(summed, examples, is_inspected, console)
    for table in _metrics_tables(verdict):
        console.print(table)
    for note in filter(None, [verdict.not_compared, *verdict.notes]):
        console.print(escape(note), style="yellow", soft_wrap=True)
    for anomaly in verdict.anomalies[:_SHOWN_ANOMALIES]:
        console.print(f"anomaly in the data: {escape(anomaly)}", style="yellow")
    if len(verdict.anomalies) > _SHOWN_ANOMALIES:
        console.print(f"... {len(verdict.anomalies)} anomalies in all, in {run_folder / layout.VERDICT}")
    if "OnDeviceExporter" in nodes:
        report_on_device.show(on_device_record.read(_output(nodes, "OnDeviceExporter", "on_device_models")), console)
    _show_canary(canary, console)
    is_blessed = verdict.blessed and canary.blessed
    if is_blessed:
        version = _show_pushed(nodes["Pusher"], console)
        is_withdrawn = summary.push_outcome(nodes["Pusher"]) == "withdrawn"
        _show_artifacts(nodes, None if is_withdrawn else version, run_folder, console)
        _show_trial(nodes["Transform"], version, console)
    else:
        console.print("[bold red]Refused[/]: nothing was pushed; earlier versions are unchanged.")
        _show_reasons(verdict, canary, run_folder, console)
        _show_artifacts(nodes, None, run_folder, console)
    return is_blessed


def _output(nodes: dict[str, Node], node: str, name: str) -> Path:
    """The folder of a node's output."""
    return Path(nodes[node].outputs[name][0].uri)


def _show_data(summed: dict[str, Any], examples: Path, is_inspected: bool, console: Console) -> None:
    for title, (header, *rows) in (("Data", counted.file_rows(summed)), ("", counted.split_rows(summed))):
        table = _table(title, *header)
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)
    if any(counts["rejected"] for counts in summed["files"].values()):
        rejects = escape(_shown(examples / "rejects.csv"))
        console.print(f"rejected rows with line and reason: {rejects}", style="yellow", soft_wrap=True)
    for line in counted.facts(summed):
        console.print(line)
    if not is_inspected:
        for line in counted.notes(summed):
            console.print(escape(line), style="yellow", soft_wrap=True)


def _metrics_tables(verdict: Verdict) -> list[Table]:
    """Tables of what was measured, without columns that are empty."""
    rows = summary.metric_rows(verdict)
    found = []
    for title, groups in _TABLES.items():
        chosen = [row for row in rows if row.group in groups]
        if chosen:
            found.append(_metrics_table(title, chosen))
    last = [found.pop()] if rows and rows[-1].group in ("retrieve", "events") else []
    return [*found, _slices_table(verdict), *last]


def _metrics_table(title: str, rows: Sequence[MetricRow]) -> Table:
    columns: dict[str, Callable[[MetricRow], str]] = {
        "metric": lambda row: row.label,
        "value": lambda row: row.value,
        "95 % interval": lambda row: row.interval,
        "change": lambda row: row.change,
    } | {label: partial(_baseline_cell, label) for label in summary.BASELINES.values()}
    kept = [cell for cell in columns.items() if any(map(cell[1], rows))]
    has_checks = any(row.checks for row in rows)
    table = _table(title, *(label for label, _ in kept), *(["must be", ""] if has_checks else []))
    for row in rows:
        table.add_row(*(cell(row) for _, cell in kept), *(_check_cells(row.checks) if has_checks else ()))
    return table


def _check_cells(checks: Sequence[CheckRecord]) -> tuple[str, str]:
    marks = ["[green]yes[/]" if check.passed else "[bold red]NO[/]" for check in checks]
    return "\n".join(escape(check.rule) for check in checks), "\n".join(marks)


def _baseline_cell(label: str, row: MetricRow) -> str:
    return row.baselines[label]


def _slices_table(verdict: Verdict) -> Table:
    columns = {column: metric for column, metric in _SLICE_COLUMNS.items() if verdict.value(metric)}
    table = _table("The same by slice", "slice", *columns, "must be", "")
    for name in sorted({record.slice for record in verdict.metrics if record.slice}, key=_slice_order):
        cells = [_slice_cell(verdict.value(metric, name)) for metric in columns.values()]
        checks = [check for check in verdict.checks if check.slice == name]
        table.add_row(name, *cells, *_check_cells(checks))
    return table


def _slice_cell(record: MetricRecord | None) -> str:
    """The value; of a lift, with half of its 95 % interval; of a number of users, as a whole number."""
    if record is None:
        return ""
    if record.metric == "evaluated_users":
        return f"{record.value:,.0f}"
    width = record.upper - record.value
    has_width = record.metric.startswith("lift_") and math.isfinite(width)
    return f"{record.value:.4f}" + (f" ± {width:.4f}" if has_width else "")


def _slice_order(name: str) -> tuple[int, str, int]:
    """Known and new users first, then new items, then the others by their numbers of events."""
    feature, _, value = name.partition("=")
    digits = value.rstrip("+").split("-")[0]
    first = {"user": 0, "item": 1}.get(feature, 2)
    return first, f"{feature}{value if first < 2 else ''}", int(digits) if digits.isdigit() else 0


def _show_canary(canary: CanaryRecord, console: Console) -> None:
    passed = sum(check.passed for check in canary.checks)
    line = f"Canary: {passed} of {len(canary.checks)} checks passed in a process with TensorFlow alone"
    if canary.latency:
        line += f"; recommend for one user: p50 {canary.latency.p50_ms:.1f} ms, p99 {canary.latency.p99_ms:.1f} ms"
    console.print(line, style="" if canary.blessed else "yellow")


def _show_reasons(verdict: Verdict, canary: CanaryRecord, run_folder: Path, console: Console) -> None:
    for reason in verdict.reasons:
        console.print(f"  - {escape(reason)}")
    for reason in canary.reasons[:_SHOWN_FAILURES]:
        console.print(f"  - canary: {escape(_shortened(reason))}")
    if len(canary.reasons) > _SHOWN_FAILURES:
        console.print(f"  - ... {len(canary.reasons)} in all, in {escape(str(run_folder / layout.CANARY))}")


def _show_pushed(pusher: Node, console: Console) -> Path:
    """Prints which version is served now; returns its folder."""
    version = summary.pushed_version(pusher)
    outcome = summary.push_outcome(pusher)
    if outcome == "withdrawn":
        console.print(
            "[bold yellow]Blessed, but not pushed[/]: a rollback has withdrawn this model, and only a rollback brings "
            f"it back. The newest version is still {escape(_shown(version))}",
            soft_wrap=True,
        )
        return version
    what = "pushed as the newest version" if outcome == "new" else "unchanged: the newest version is still"
    console.print(f"[bold green]Blessed[/], {what} {escape(_shown(version))}", soft_wrap=True)
    return version


def _show_artifacts(nodes: dict[str, Node], version: Path | None, run_folder: Path, console: Console) -> None:
    """Prints paths: of a version, which holds everything, or of its parts where none was pushed."""
    table = _table("Artifacts", "what", "where", "size")
    tflite = (version or _output(nodes, "TFLiteExporter", "tflite_models")) / layout.EXTRA
    ranking = tflite / layout.tflite_file(layout.RANKING)
    batch = nodes["BatchRecommender"].outputs["recommendations"] if "BatchRecommender" in nodes else []
    destinations = [Path(str(artifact.properties[WRITTEN])) for artifact in batch if WRITTEN in artifact.properties]
    for what, path in (
        ("SavedModel", version or _output(nodes, "Trainer", "model") / "Format-Serving"),
        *([("model card", version / layout.MODEL_CARD)] if version and (version / layout.MODEL_CARD).exists() else []),
        *([("on-device ranking", ranking)] if ranking.exists() else []),
        ("on-device retrieval", tflite / layout.tflite_file(layout.RETRIEVAL)),
        *(
            (what, (version or _output(nodes, node, output)) / folder)
            for node, output, what, folder in _OPTIONAL_EXPORTS
            if node in nodes
        ),
        *(("recommendations", path) for path in destinations),
        ("evaluation", _output(nodes, "Evaluator", "evaluation")),
        ("TensorBoard logs", _output(nodes, "Trainer", "model_run")),
        ("this run's log", run_folder / layout.LOG),
    ):
        table.add_row(what, escape(_shown(path)), _size(path))
    console.print(table)


def _show_trial(transform: Node, version: Path, console: Console) -> None:
    """Prints a complete command that recommends to the user with the most training events."""
    graph = Path(transform.outputs["transform_graph"][0].uri)
    with open(graph / "transform_fn" / "assets" / names.USER_VOCABULARY, encoding="utf-8") as users:
        user = shlex.quote(users.readline().rstrip("\n"))
    python = Path(sys.executable)
    atalaya = python.with_name("atalaya")
    program = f"{_shown(atalaya)} recommend" if atalaya.exists() else f"{_shown(python)} -m pipeline.recommend"
    command = f"{program} --model {_shown(version.parent)} --user {user}"
    console.print(f"Try it: {escape(command)}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is text; most others are numbers, aligned to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        text = number == 0 or column in ("where", "must be", "")
        table.add_column(column, justify="left" if text else "right", overflow="fold")
    return table


def _shortened(text: str, length: int = 400) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def _shown(path: Path) -> str:
    """The path, relative to the working directory if it is below that, also through a link from elsewhere."""
    for place in (path.absolute(), path.resolve()):
        if place.is_relative_to(Path.cwd()):
            return str(place.relative_to(Path.cwd()))
    return str(path.absolute())


def _size(path: Path) -> str:
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
