"""Compares Atalaya's models with those of other libraries on the same data and measures, in one run.

    python -m benchmarks.quality --data movielens-100k beauty=files/beauty.txt 'gowalla=files/gowalla_*.txt' mine=my.csv

Data is given as NAME=PATH[:PROTOCOL,...]; `benchmarks/datasets.py` describes the files. The hyperparameters of other
libraries are chosen on held-out training events, with the same number of fits for each; Atalaya has its defaults. The
exit status is 1 if a model of Atalaya misses a floor on MovieLens 100K.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.comparison import interval
from benchmarks.contenders import CONTENDERS
from benchmarks.datasets import MOVIELENS, Dataset, load_dataset
from benchmarks.judging import describe
from benchmarks.measuring import Budget, run
from benchmarks.options import add_seeds
from benchmarks.protocols import Protocol, divide
from benchmarks.results import (
    FLOORS,
    Result,
    against_floors,
    against_peers,
    format_tables,
    format_tuning,
    format_verdicts,
)
from schemas.errors import DataError, SettingsError


def main() -> None:
    """Fits and measures one contender after another on each data set, and prints the tables and the verdicts."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=[MOVIELENS], help="data to measure on (default: %(default)s)")
    add_seeds(parser, [42, 43, 44])
    parser.add_argument(
        "--fits", type=int, default=12, help="most fits to choose a peer's hyperparameters (default: %(default)s)"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[contender.name for contender in CONTENDERS],
        metavar="CONTENDER",
        default=[contender.name for contender in CONTENDERS],
        help="contenders to measure (default: all)",
    )
    parser.add_argument("--json", type=Path, help="JSON file to write all numbers to, after each protocol")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"seeds": arguments.seeds, "fits": arguments.fits, "results": [], "verdicts": []}
    try:
        datasets = [load_dataset(spec) for spec in arguments.data]
        for dataset, protocol in [(one, protocol) for one in datasets for protocol in one.protocols]:
            _compare(dataset, protocol, arguments.only, Budget(arguments.seeds, arguments.fits), report)
            if arguments.json:
                arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    except (DataError, SettingsError) as error:
        sys.exit(f"{parser.prog}: {error}")
    sys.exit(any(not verdict["met"] for verdict in report["verdicts"] if verdict["is_floor"]))


def _compare(dataset: Dataset, protocol: Protocol, names: list[str], budget: Budget, report: dict[str, Any]) -> None:
    """Prints all numbers as they are computed, and adds them to the report."""
    data = divide(dataset.ratings, protocol, dataset.settings.data.rating_scale)
    results: list[Result] = []
    for contender in CONTENDERS:
        if contender.name in names and (dataset.name == MOVIELENS or not contender.movielens):
            results += run(contender, data, dataset.settings, budget)
    floors = against_floors(results, protocol) if dataset.name == MOVIELENS and protocol in FLOORS else []
    peers = against_peers(results, protocol)
    parts = (
        _describe(dataset) + "\n" + describe(data),
        format_tables(results),
        format_tuning(results),
        format_verdicts(floors + peers),
    )
    print("\n" + "\n\n".join(filter(None, parts)) + "\n", flush=True)
    report["results"] += [_as_json(dataset.name, result) for result in results]
    report["verdicts"] += [
        {"data": dataset.name, **verdict._asdict(), "is_floor": is_floor}
        for verdicts, is_floor in ((floors, True), (peers, False))
        for verdict in verdicts
    ]


def _describe(dataset: Dataset) -> str:
    ratings = dataset.ratings
    rejects = "".join(f"\n  {count:,} rows cannot be used: {reason}" for reason, count in ratings.rejects.items())
    return (
        f"{dataset.name}: {len(ratings.user):,} events of {ratings.catalogue.num_users:,} users and "
        f"{ratings.catalogue.num_items:,} items; {ratings.repeats:,} left out, since the user has the item again later"
        f"{rejects}"
    )


def _as_json(data: str, result: Result) -> dict[str, Any]:
    intervals = {name: interval([run[name] for run in result.by_user]) for name in result.by_user[0]}
    return {
        "data": data,
        "protocol": result.protocol,
        "contender": result.name,
        "kind": result.contender.kind,
        "reads": result.reads,
        "tuned": result.tuned and result.tuned._asdict(),
        "runs": result.runs,
        "mean": result.mean,
        "spread": result.spread,
        "interval": {name: (found.lower, found.upper) for name, found in intervals.items()},
    }


if __name__ == "__main__":
    main()
