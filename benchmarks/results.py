"""The results of a run as aligned tables, and the verdicts on Atalaya's models."""

from typing import NamedTuple

import pandas as pd

from benchmarks.contender import Contender

SECONDS, CPU_SECONDS = "fit, s", "CPU, s"
LESS_IS_BETTER = {"RMSE", "MAE", "item percentile", "percentile x random", SECONDS, CPU_SECONDS}
TABLES = {
    "retrieval": ["a@10", "a@100", "b@10", "b@100", "R@10", "NDCG@10", "NDCG@100", "MRR", "cov@10"],
    "rating": ["RMSE", "MAE"],
    "cold start, new users": ["user NDCG@10", "user b@100"],
    "cold start, new items": [
        "item b@100",
        "b@100 x random",
        "item 1/rank",
        "1/rank x random",
        "item percentile",
        "percentile x random",
    ],
}
COMPARED = ("NDCG@10", "NDCG@100", "b@100", "RMSE", "MAE")
FLOORS: dict[str, dict[str, float]] = {
    "random": {"NDCG@10": 0.446, "NDCG@100": 0.540, "b@100": 0.645, "cov@10": 0.25, "RMSE": 0.885, "MAE": 0.695},
    "time": {"NDCG@10": 0.1849, "b@100": 0.3301, "RMSE": 0.945},
}
"""Limits for Atalaya's mean over the seeds on MovieLens 100K: minima, or maxima for errors."""


class Result(NamedTuple):
    """Measures of one contender under one protocol.

    runs: for each seed, the measures by name.
    """

    contender: Contender
    protocol: str
    runs: list[dict[str, float]]

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
    """Formats a table each for retrieval, rating and cold start; a star marks the best other library in a column."""
    return "\n\n".join(
        _format_table(title, columns, rows)
        for title, columns in TABLES.items()
        if (rows := [result for result in results if columns[0] in result.mean])
    )


def _format_table(title: str, columns: list[str], rows: list[Result]) -> str:
    columns = [*columns, SECONDS, CPU_SECONDS]
    best = {column: best_peer(rows, column) for column in columns[:-2]}
    lines = [[title, *columns]]
    for row in rows:
        cells = [_cell(row, column) + ("*" if row is best.get(column) else " ") for column in columns]
        lines.append([row.contender.name, *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join(cell.rjust(width + 2) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )


def _cell(row: Result, column: str) -> str:
    digits = 1 if column in (SECONDS, CPU_SECONDS) or column.endswith("x random") else 4
    spread = f" ({row.spread[column]:.{digits}f})" if len(row.runs) > 1 else ""
    return f"{row.mean[column]:.{digits}f}{spread}"


def best_peer(results: list[Result], measure: str) -> Result | None:
    """Returns the best result of another library by one measure, None if no library has it."""
    peers = [result for result in results if not result.contender.ours and measure in result.mean]
    sign = -1 if measure in LESS_IS_BETTER else 1
    return max(peers, key=lambda result: sign * result.mean[measure], default=None)


def against_floors(results: list[Result], protocol: str) -> list[Verdict]:
    """Compares Atalaya's measures with the floors on MovieLens 100K."""
    verdicts = []
    for measure, floor in FLOORS[protocol].items():
        for own in (result.mean for result in results if result.contender.ours and measure in result.mean):
            less = measure in LESS_IS_BETTER
            text = f"{protocol} {measure} {own[measure]:.4f}, {'at most' if less else 'at least'} {floor}"
            verdicts.append(Verdict(text, own[measure] <= floor if less else own[measure] >= floor))
    ours, tutorials = _seconds(results, "atalaya-"), _seconds(results, "tutorial-")
    if ours and tutorials:
        text = f"{protocol} fits {ours:.1f} s, at most the tutorials' {tutorials:.1f} s"
        verdicts.append(Verdict(text, ours <= tutorials))
    return verdicts


def _seconds(results: list[Result], prefix: str) -> float | None:
    """Returns the total seconds of a retrieval and a rating model, None unless both were measured."""
    seconds = [result.mean[SECONDS] for result in results if result.contender.name.startswith(prefix)]
    return sum(seconds) if len(seconds) == 2 else None


def against_peers(results: list[Result], protocol: str) -> list[Verdict]:
    """Compares Atalaya with the best other library by each measure that both have."""
    verdicts = []
    for measure in COMPARED:
        peer = best_peer(results, measure)
        for own in (result.mean for result in results if result.contender.ours and measure in result.mean):
            if peer:
                other = peer.mean[measure]
                text = f"{protocol} {measure} {own[measure]:.4f}, best peer {peer.contender.name} {other:.4f}"
                less = measure in LESS_IS_BETTER
                verdicts.append(Verdict(text, own[measure] <= other if less else own[measure] >= other))
    return verdicts


def format_verdicts(verdicts: list[Verdict]) -> str:
    """A line for each requirement, met or missed."""
    return "\n".join(f"{'met   ' if verdict.met else 'MISSED'}  {verdict.text}" for verdict in verdicts)
