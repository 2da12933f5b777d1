"""The outcome of an evaluation and a push: rows and sentences for the terminal and Kubeflow's pages, and the pages."""

import math
from pathlib import Path
from typing import Literal, NamedTuple

from pipeline.node import PUSHED, Node
from schemas import canary as canary_schema
from schemas import verdict as verdict_schema
from schemas.metrics import BIAS, LIST_BASELINES, METRICS, Group
from schemas.verdict import CheckRecord, MetricRecord, Verdict

_WORDS = {
    "new": "Pushed as the newest version",
    "unchanged": "Nothing new was pushed: this model is already the newest version,",
    "withdrawn": "Blessed, but not pushed, since a rollback has withdrawn this model; the newest version is still",
}
BASELINES = LIST_BASELINES | {BIAS: "biases"}
"""Labels of the baselines by the prefix of their metrics."""
JUDGED_BY = ("evaluation", "infra_blessing")
"""The Pusher's inputs that hold the gate's verdict and the canary's record."""


class MetricRow(NamedTuple):
    """One metric on the whole evaluation split, as text."""

    label: str
    value: str
    interval: str
    """The 95 % interval; empty if there is none."""
    change: str
    """Difference from the last blessed model, and half of its 95 % interval; empty if there is none."""
    baselines: dict[str, str]
    """The same metric of each baseline by the baseline's label; empty text if it has none."""
    checks: tuple[CheckRecord, ...]
    group: Group


def metric_rows(verdict: Verdict) -> list[MetricRow]:
    """A row for each computed metric, with the baselines' values next to it."""
    rows = []
    for name, metric in METRICS.items():
        record = verdict.value(name)
        if record is None or metric.group == "baselines":
            continue
        rows.append(
            MetricRow(
                label=metric.label,
                value=_value(record),
                interval=_interval(record),
                change=_change(record),
                baselines=_baselines(verdict, name),
                checks=tuple(check for check in verdict.checks if check.metric == name and not check.slice),
                group=metric.group,
            )
        )
    return rows


def _value(record: MetricRecord) -> str:
    digits = {"evaluated_users": 0, "mean_popularity": 1}.get(record.metric, 4)
    return f"{record.value:,.{digits}f}"


def _interval(record: MetricRecord) -> str:
    return "" if math.isnan(record.lower) else f"{record.lower:.4f} - {record.upper:.4f}"


def _change(record: MetricRecord) -> str:
    if record.change is None:
        return ""
    width = None if record.change_upper is None else record.change_upper - record.change
    return f"{record.change:+.4f}" + (f" ± {width:.4f}" if width is not None and math.isfinite(width) else "")


def _baselines(verdict: Verdict, name: str) -> dict[str, str]:
    found = {}
    for prefix, label in BASELINES.items():
        record = verdict.value(f"{prefix}_{name}") if f"{prefix}_{name}" in METRICS[name].baselines else None
        found[label] = f"{record.value:.4f}" if record else ""
    return found


def push_outcome(pusher: Node) -> Literal["new", "unchanged", "withdrawn", "refused"]:
    """The outcome of the Pusher."""
    [pushed] = pusher.outputs["pushed_model"]
    if not pushed.properties.get(PUSHED):
        return "refused"
    if pushed.properties.get("is_withdrawn"):
        return "withdrawn"
    return "new" if pushed.properties.get("is_new") and not pusher.reused else "unchanged"


def push_sentence(pusher: Node) -> str:
    """What was pushed, or why nothing was."""
    outcome = push_outcome(pusher)
    if outcome != "refused":
        return f"{_WORDS[outcome]} {pushed_version(pusher)}"
    verdict, canary = _judgements(pusher)
    reasons = [*verdict.reasons, *(f"canary: {reason}" for reason in canary.reasons)]
    return f"Nothing was pushed, the model was refused: {'; '.join(reasons)}"


def metrics(verdict: Verdict) -> dict[str, float]:
    """The metrics on the whole evaluation split, by name; those without a finite value are left out."""
    records = (record for record in verdict.metrics if not record.slice and math.isfinite(record.value))
    return {record.metric: record.value for record in records}


def evaluation_markdown(verdict: Verdict) -> str:
    """The verdict, its reasons and the metrics with their intervals."""
    lines = [f"## {'Blessed' if verdict.blessed else 'Refused'} by the gate", ""]
    lines += [f"- {reason}" for reason in verdict.reasons]
    lines += [f"- anomaly in the data: {anomaly}" for anomaly in verdict.anomalies]
    lines += [f"- {verdict.not_compared}"] if verdict.not_compared else []
    lines += [f"- {note}" for note in verdict.notes]
    header = ("metric", "value", "95 % interval", "change", *BASELINES.values(), "must be", "passed")
    lines += ["", as_row(header), as_row(["---"] * len(header))]
    for row in metric_rows(verdict):
        rules = "<br>".join(check.rule for check in row.checks)
        passed = "<br>".join("yes" if check.passed else "**NO**" for check in row.checks)
        cells = [row.label, row.value, row.interval, row.change, *row.baselines.values(), rules, passed]
        lines.append(as_row(cells))
    return "\n".join(lines) + "\n"


def push_markdown(pusher: Node) -> str:
    """What was pushed or why not, above the evaluation."""
    verdict, canary = _judgements(pusher)
    tried = f"Canary: {sum(check.passed for check in canary.checks)} of {len(canary.checks)} checks passed."
    return f"# {push_sentence(pusher)}\n\n{tried}\n\n{evaluation_markdown(verdict)}"


def _judgements(pusher: Node) -> tuple[Verdict, canary_schema.CanaryRecord]:
    [evaluation], [tried] = (pusher.inputs[name] for name in JUDGED_BY)
    return verdict_schema.read(evaluation.uri), canary_schema.read(tried.uri)


def pushed_version(pusher: Node) -> Path:
    """The folder of the version that is the newest after the push."""
    return Path(str(pusher.outputs["pushed_model"][0].properties[PUSHED]))


def as_row(cells: list[str] | tuple[str, ...]) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
