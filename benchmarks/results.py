"""The results of a run as tables in Markdown, and the verdicts on Atalaya's models."""

from typing import NamedTuple

import pandas as pd

from benchmarks.comparison import difference
from benchmarks.contender import Contender
from benchmarks.measures import Measure
from benchmarks.tuning import Tuned

CPU_SECONDS = "fit, CPU s"
LESS_IS_BETTER = {"RMSE", "MAE", "item percentile"}
COLUMNS = {
    "random": ("NDCG@10", "NDCG@100", "b@100", "cov@10"),
    "time": ("NDCG@10", "user NDCG@10", "b@100", "cov@10"),
    "last": ("R@10", "NDCG@10", "cov@10"),
    "given": ("R@20", "NDCG@20", "cov@10"),
}
"""The measures of lists for each protocol."""
RATING_COLUMNS = ("RMSE", "MAE")
NEW_ITEMS = ("item b@100", "b@100 x random", "item 1/rank", "1/rank x random", "item percentile")
FLOORS: dict[str, dict[str, float]] = {
    "random": {"NDCG@10": 0.45, "NDCG@100": 0.543, "b@100": 0.643, "cov@10": 0.25, "RMSE": 0.885, "MAE": 0.695},
    "time": {"NDCG@10": 0.2266, "b@100": 0.335, "RMSE": 0.945},
}
"""Limits for Atalaya's mean over the seeds on MovieLens 100K: minima, or maxima for errors."""


class Result(NamedTuple):
    """Measures of one contender under one protocol.

    name: the contender's, and how it was asked. reads: what it reads of what the data has, in addition to pairs. runs,
    by_user: the measures by name, for each seed. tuned: what was chosen; None without hyperparameters to choose.
    """

    name: str
    contender: Contender
    protocol: str
    reads: tuple[str, ...]
    runs: list[dict[str, float]]
    by_user: list[dict[str, Measure]]
    tuned: Tuned | None = None

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each measure over the seeds."""
        return pd.DataFrame(self.runs).mean().to_dict()

    @property
    def spread(self) -> dict[str, float]:
        """Spread of each measure over the seeds: highest - lowest."""
        frame = pd.DataFrame(self.runs)
        return (frame.max() - frame.min()).to_dict()


class Verdict(NamedTuple):
    """One requirement for Atalaya.

    text: the measured value and the requirement. met: whether it is met.
    """

    text: str
    met: bool


def format_tables(results: list[Result]) -> str:
    """Formats tables for lists, ratings and new items; a star marks the best other library in a column."""
    if not results:
        return ""
    tables = {"lists": COLUMNS[results[0].protocol], "ratings": RATING_COLUMNS, "new items": NEW_ITEMS}
    return "\n\n".join(
        _format_table(title, columns, rows, results)
        for title, columns in tables.items()
        if (rows := [result for result in results if columns[0] in result.mean])
    )


def _format_table(title: str, columns: tuple[str, ...], rows: list[Result], results: list[Result]) -> str:
    best = {column: best_peer(rows, column) for column in columns}
    ials = next((result.mean[CPU_SECONDS] for result in results if result.name == "ials"), None)
    lines = [[title, "reads", *columns, CPU_SECONDS, "x iALS", "tuning, CPU s"]]
    for row in rows:
        seconds, tuned = row.mean[CPU_SECONDS], row.tuned
        lines.append(
            [
                row.name,
                ", ".join(row.reads) or "pairs",
                *(_cell(row, column) + ("*" if row is best[column] else "") for column in columns),
                f"{seconds:.1f}",
                f"{seconds / ials:.1f}" if ials else "",
                f"{tuned.cpu_seconds:.0f}" if tuned else "",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    text = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    return "\n".join([text[0], rule, *text[1:]])


def _cell(row: Result, column: str) -> str:
    if column not in row.mean:
        return ""
    spread = f" ({row.spread[column]:.4f})" if len(row.runs) > 1 else ""
    return f"{row.mean[column]:.4f}{spread}"


def format_tuning(results: list[Result]) -> str:
    """A line for each contender with hyperparameters: what was chosen, and out of how much."""
    return "\n".join(
        f"{result.name}: {', '.join(f'{name} {value:g}' for name, value in result.tuned.chosen.items())}; "
        f"{result.tuned.num_fits} of {result.tuned.num_combinations} combinations fitted"
        for result in results
        if result.tuned
    )


def best_peer(results: list[Result], measure: str) -> Result | None:
    """Returns the best result of another library by one measure, None if no library has it."""
    peers = [result for result in results if not result.contender.ours and measure in result.mean]
    sign = -1 if measure in LESS_IS_BETTER else 1
    return max(peers, key=lambda result: sign * result.mean[measure], default=None)


def against_floors(results: list[Result], protocol: str) -> list[Verdict]:
    """Compares Atalaya's measures with the floors on MovieLens 100K."""
    verdicts = []
    for measure, floor in FLOORS[protocol].items():
        for own in (result.mean for result in results if _is_ours(result) and measure in result.mean):
            less = measure in LESS_IS_BETTER
            text = f"{protocol} {measure} {own[measure]:.4f}, {'at most' if less else 'at least'} {floor}"
            verdicts.append(Verdict(text, own[measure] <= floor if less else own[measure] >= floor))
    ours, tutorials = _seconds(results, "atalaya-"), _seconds(results, "tutorial-")
    if ours and tutorials:
        text = f"{protocol} fits {ours:.1f} CPU s, at most the tutorials' {tutorials:.1f}"
        verdicts.append(Verdict(text, ours <= tutorials))
    return verdicts


def _is_ours(result: Result) -> bool:
    """Whether the result is Atalaya's; a rating model counts as it is judged, with the time of each rating."""
    return result.contender.ours and result.name == result.contender.name


def _seconds(results: list[Result], prefix: str) -> float | None:
    """Returns the total seconds of a retrieval and a rating model, None unless both were measured."""
    seconds = {result.contender.name: result.mean[CPU_SECONDS] for result in results}
    found = [value for name, value in seconds.items() if name.startswith(prefix)]
    return sum(found) if len(found) == 2 else None


def against_peers(results: list[Result], protocol: str) -> list[Verdict]:
    """Compares Atalaya with the best other library by each measure in the tables that is a mean over users."""
    verdicts = []
    for measure in (*COLUMNS[protocol], *RATING_COLUMNS):
        peer = best_peer(results, measure)
        for own in (result for result in results if result.contender.ours and measure in result.by_user[0]):
            if not peer:
                continue
            found = difference(*([by_user[measure] for by_user in one.by_user] for one in (own, peer)))
            ends = f"[{found.lower:+.4f}, {found.upper:+.4f}]"
            chance = " (within chance)" if found.lower <= 0 <= found.upper else ""
            text = (
                f"{protocol} {own.name}: {measure} {own.mean[measure]:.4f}, best peer {peer.name} "
                f"{peer.mean[measure]:.4f}; difference {found.value:+.4f} {ends}{chance}"
            )
            verdicts.append(Verdict(text, found.value <= 0 if measure in LESS_IS_BETTER else found.value >= 0))
    return verdicts


def format_verdicts(verdicts: list[Verdict]) -> str:
    """A line for each requirement, met or missed."""
    return "\n".join(f"{'met   ' if verdict.met else 'MISSED'}  {verdict.text}" for verdict in verdicts)
