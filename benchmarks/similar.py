"""Compares methods that find similar items on the same data and measures, in one run.

    python -m benchmarks.similar --config pipeline/configs/movielens-100k.toml --seeds 42 43 44 --show 1 50 71

Similar items should predict which item a user chooses next. Prints tables in Markdown: means over the seeds, and in
brackets the spread (highest - lowest). By default, everything is measured on held-out training events, once the latest
tenth and once each user's last ten; with --test, on the test events of the split by time.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.changed import changed
from benchmarks.next_items import first, leave_last, measure
from benchmarks.options import add_config, add_seeds
from benchmarks.peers import co_occurrence
from benchmarks.protocols import Data, divide, hold_out
from benchmarks.ratings import Ratings, read
from schemas.settings import Settings, load

PEERS: dict[str, Callable[[Data], np.ndarray]] = {
    "popularity": co_occurrence.popularity,
    "co-occurrence counts": co_occurrence.counts,
    "cosine": co_occurrence.cosine,
    "Jaccard, shrunk": co_occurrence.jaccard,
    "lift, shrunk": co_occurrence.lift,
    "counts within a window": co_occurrence.windowed_counts,
    "lift within a window, shrunk": co_occurrence.windowed_lift,
}
OURS: dict[str, dict[str, Any]] = {
    "item tower": {"similar.model": "item_tower"},
    "co-consumption": {"similar.model": "co_consumption"},
    "co-consumption, popularity 1": {
        "similar.model": "co_consumption",
        "similar.co_consumption.popularity_weight": 1.0,
    },
}
COLUMNS = ("R@10", "R@50", "R@100", "MRR", "cov@10", "events@10")


def main() -> None:
    """Fits every contender for every division and seed, and prints a table for each division."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config(parser)
    add_seeds(parser, [42])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*PEERS, *OURS],
        metavar="CONTENDER",
        default=[*PEERS, *OURS],
        help="contenders to measure (default: all)",
    )
    parser.add_argument(
        "--show", nargs="*", default=[], metavar="ITEM", help="ids of items whose similar items are printed"
    )
    parser.add_argument(
        "--test", action="store_true", help="measure on the test events; do so only once, after all choices are made"
    )
    arguments = parser.parse_args()
    settings = load(arguments.config)
    ratings = read(settings.data)
    data = divide(ratings, "time", settings.data.rating_scale)
    divisions = {
        "held out from training, the latest tenth": hold_out(data),
        "held out from training, each user's last ten": leave_last(data),
    }
    if arguments.test:
        divisions = {"test, the latest fifth": data}
    for name, division in divisions.items():
        pairs = len(division.test.user) - len(np.unique(division.test.user))
        print(f"\n{name}: {len(division.train.user):,} training events, {pairs:,} pairs of test events\n", flush=True)
        _print_table(division, ratings, settings, arguments)


def _print_table(data: Data, ratings: Ratings, settings: Settings, arguments: argparse.Namespace) -> None:
    print("| | " + " | ".join([*COLUMNS, "fit, s"]) + " |\n|---|" + "---|" * (len(COLUMNS) + 1), flush=True)
    shown: dict[str, np.ndarray] = {}
    for name in arguments.only:
        runs = []
        for seed in arguments.seeds if name in OURS else arguments.seeds[:1]:
            begin = time.monotonic()
            scores = _fit_ours(data, settings, seed, OURS[name]) if name in OURS else PEERS[name](data)
            runs.append({"seconds": time.monotonic() - begin} | measure(scores, data))
            shown.setdefault(name, scores)
        print(_row(name, pd.DataFrame(runs)), flush=True)
    for item in arguments.show:
        _show(ratings.ids.index(item), ratings, shown)


def _fit_ours(data: Data, settings: Settings, seed: int, changes: dict[str, Any]) -> np.ndarray:
    """Returns [num_items, num_items] scores; the item tower requires a fit of the whole retrieval model."""
    from benchmarks.atalaya import divided
    from recommender.training.fit_retrieval import fit_retrieval
    from recommender.training.fit_similar import fit_co_consumption, item_tower

    settings = changed(settings, {"split.method": "time", "training.seed": seed} | changes)
    events = divided(data, settings)
    if settings.similar.model == "item_tower":
        vectors = item_tower(fit_retrieval(events, data.catalogue, settings), data.catalogue.num_items)
    else:
        vectors = fit_co_consumption(events, data.catalogue, settings)
    return vectors.queries @ vectors.candidates.T


def _row(name: str, runs: pd.DataFrame) -> str:
    mean, spread = runs.mean(), runs.max() - runs.min()
    cells = []
    for column in COLUMNS:
        digits = 0 if column == "events@10" else 4
        cells.append(f"{mean[column]:.{digits}f}" + (f" ({spread[column]:.{digits}f})" if len(runs) > 1 else ""))
    return f"| {name} | " + " | ".join([*cells, f"{mean['seconds']:.1f}"]) + " |"


def _show(item: int, ratings: Ratings, shown: dict[str, np.ndarray]) -> None:
    print(f"\nSimilar to {ratings.titles[item]}:")
    for name, scores in shown.items():
        print(f"- {name}: " + "; ".join(ratings.titles[other] for other in first(scores, 5)[item]))


if __name__ == "__main__":
    main()
