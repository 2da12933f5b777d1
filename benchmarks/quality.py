"""Compares Atalaya's models with those of other libraries on the same data and measures, in one run.

    python -m benchmarks.quality --config pipeline/configs/movielens-100k.toml --seeds 42 43 44

On MovieLens 100K, the exit status is 1 if a model of Atalaya misses a floor.
"""

import argparse
import functools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.contender import Contender, Refusal
from benchmarks.judging import describe, judge
from benchmarks.options import add_config, add_protocols, add_seeds
from benchmarks.protocols import Data, Protocol, divide
from benchmarks.ratings import Ratings, read
from benchmarks.results import (
    CPU_SECONDS,
    SECONDS,
    Result,
    against_floors,
    against_peers,
    format_tables,
    format_verdicts,
)
from schemas.errors import DataError, SettingsError
from schemas.settings import Settings, load

PEERS = "benchmarks.peers"
CONTENDERS = (
    Contender("popularity", "retrieval", f"{PEERS}.baselines:popularity", deterministic=True),
    Contender("recency-popularity", "retrieval", f"{PEERS}.baselines:recency_popularity", deterministic=True),
    Contender("item-knn", "retrieval", f"{PEERS}.baselines:item_knn", deterministic=True),
    Contender("ease", "retrieval", f"{PEERS}.baselines:ease", deterministic=True),
    Contender("ials", "retrieval", f"{PEERS}.baselines:ials"),
    Contender("implicit-als", "retrieval", f"{PEERS}.implicit_library:als"),
    Contender("implicit-bpr", "retrieval", f"{PEERS}.implicit_library:bpr"),
    Contender("tutorial-retrieval", "retrieval", f"{PEERS}.tfrs_tutorials:retrieval"),
    Contender("atalaya-retrieval", "retrieval", "benchmarks.atalaya:fit_retrieval", ours=True),
    Contender("biases", "rating", f"{PEERS}.baselines:biases", deterministic=True),
    Contender("surprise-svd", "rating", f"{PEERS}.surprise_library:svd"),
    Contender("surprise-knn", "rating", f"{PEERS}.surprise_library:knn_baseline", deterministic=True),
    Contender("myfm", "rating", f"{PEERS}.myfm_library:one_hot"),
    Contender("myfm-implicit", "rating", f"{PEERS}.myfm_library:implicit_features"),
    Contender("tutorial-rating", "rating", f"{PEERS}.tfrs_tutorials:rating"),
    Contender("atalaya-rating", "rating", "benchmarks.atalaya:fit_rating", ours=True),
)
MOVIELENS = "movielens-100k"


def main() -> None:
    """Fits and measures one contender after another, then prints the tables and the verdict."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config(parser)
    add_protocols(parser)
    add_seeds(parser, [42])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[contender.name for contender in CONTENDERS],
        metavar="CONTENDER",
        help="contenders to measure (default: all)",
    )
    parser.add_argument("--json", type=Path, help="JSON file to write all numbers to")
    arguments = parser.parse_args()
    contenders = [one for one in CONTENDERS if not arguments.only or one.name in arguments.only]
    try:
        settings = load(arguments.config)
        ratings = read(settings.data)
        print(_describe(ratings), flush=True)
        report = _compare(settings, ratings, contenders, arguments.protocols, arguments.seeds)
    except (DataError, SettingsError) as error:
        sys.exit(f"{parser.prog}: {error}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(settings.name == MOVIELENS and not all(verdict["met"] for verdict in report["verdicts"]))


def _describe(ratings: Ratings) -> str:
    rejects = "".join(f"\n  {count:,} rows cannot be used: {reason}" for reason, count in ratings.rejects.items())
    catalogue = ratings.catalogue
    return (
        f"{len(ratings.user):,} ratings by {catalogue.num_users:,} users, {catalogue.num_items:,} items; "
        f"{ratings.repeats:,} superseded by a later rating of the same pair{rejects}"
    )


def _compare(
    settings: Settings, ratings: Ratings, contenders: list[Contender], protocols: list[Protocol], seeds: list[int]
) -> dict[str, Any]:
    """Returns all numbers, ready for JSON, and prints them as they are computed."""
    report: dict[str, Any] = {"config": settings.name, "seeds": seeds, "results": [], "verdicts": [], "absent": {}}
    closing = []
    for protocol in protocols:
        data = divide(ratings, protocol, settings.data.rating_scale)
        results = []
        for contender in contenders:
            try:
                runs = _run(contender, data, settings, seeds)
            except Refusal as refusal:
                report["absent"][contender.name] = str(refusal)
                print(f"{protocol} {contender.name}: {refusal}", flush=True)
                continue
            results.append(Result(contender, protocol, runs))
        verdicts = (against_floors if settings.name == MOVIELENS else against_peers)(results, protocol)
        parts = [describe(data), format_tables(results), format_verdicts(verdicts)]
        closing.append("\n\n".join(filter(None, parts)))
        report["results"] += [_as_json(result) for result in results]
        report["verdicts"] += [verdict._asdict() for verdict in verdicts]
    absent = [f"{name}: {reason}" for name, reason in report["absent"].items()]
    print("\n" + "\n\n".join([*closing, *absent]), flush=True)
    return report


def _run(contender: Contender, data: Data, settings: Settings, seeds: list[int]) -> list[dict[str, float]]:
    """Returns the measures of each seed, or of only one if the contender is deterministic.

    Raises:
      Refusal: the contender cannot take part.
    """
    fit = contender.load()
    if contender.ours:
        fit = functools.partial(fit, settings=settings)
    runs = []
    for seed in seeds[:1] if contender.deterministic else seeds:
        print(f"{data.protocol} {contender.name}, seed {seed}: fitting", flush=True)
        wall, cpu = time.monotonic(), time.process_time()
        fitted = fit(data, seed)
        cost = {SECONDS: time.monotonic() - wall, CPU_SECONDS: time.process_time() - cpu}
        runs.append(judge(fitted, data) | cost)
        shown = {name: value for name, value in runs[-1].items() if name in ("NDCG@10", "b@100", "RMSE")}
        values = ", ".join(f"{name} {value:.4f}" for name, value in shown.items())
        print(f"{data.protocol} {contender.name}, seed {seed}: {values} after {cost[SECONDS]:.1f} s", flush=True)
    return runs


def _as_json(result: Result) -> dict[str, Any]:
    name, kind = result.contender.name, result.contender.kind
    return {
        "contender": name,
        "kind": kind,
        "protocol": result.protocol,
        "runs": result.runs,
        "mean": result.mean,
        "spread": result.spread,
    }


if __name__ == "__main__":
    main()
