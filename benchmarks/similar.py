"""Compares methods that find similar items on the same data and measures, in one run.

    python -m benchmarks.similar --config pipeline/configs/movielens-100k.toml --seeds 42 43 44

Prints tables in Markdown: which item a user chooses next, what users choose and like in another sitting, and the genres
that similar items share. By default, everything is measured on held-out training events: the latest tenth, each user's
last ten and a random tenth; with --test, on the test events. Then it prints the lists of the ten items with the most
events, or of those given by --show.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks import across_sittings, next_items
from benchmarks.atalaya import divided
from benchmarks.changed import changed
from benchmarks.next_items import leave_last
from benchmarks.options import add_config, add_seeds
from benchmarks.peers import co_occurrence
from benchmarks.peers.baselines import ease_weights
from benchmarks.protocols import Data, divide, hold_out
from benchmarks.ratings import read
from recommender.training.fit_similar import fit_similar
from schemas.settings import Settings, load

PEERS: dict[str, Callable[[Data], np.ndarray]] = {
    "popularity": co_occurrence.popularity,
    "co-occurrence counts": co_occurrence.counts,
    "cosine": co_occurrence.cosine,
    "Jaccard, shrunk": co_occurrence.jaccard,
    "lift, shrunk": co_occurrence.lift,
    "counts within a window": co_occurrence.windowed_counts,
    "lift within a window, shrunk": co_occurrence.windowed_lift,
    "EASE": ease_weights,
}
OURS = "Atalaya"
SHOWN = ("cosine", "EASE", OURS)
LIST_LENGTH = 10
COLUMNS = ("R@10", "R@100", "MRR", "across", "agreement", "genres@10", "cov@10", "events@10", "CPU, s")


def main() -> None:
    """Fits every contender for every division and seed, and prints a table for each division, then the lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config(parser)
    add_seeds(parser, [42])
    names = [*PEERS, OURS]
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        metavar="CONTENDER",
        default=names,
        help="contenders to measure (default: all)",
    )
    parser.add_argument(
        "--show",
        nargs="*",
        metavar="ITEM",
        help="ids of items whose similar items are printed (default: the ten with the most events)",
    )
    parser.add_argument(
        "--test", action="store_true", help="measure on the test events; do so only once, after all choices are made"
    )
    arguments = parser.parse_args()
    settings = load(arguments.config)
    ratings = read(settings.data)
    scale = settings.data.rating_scale
    by_time, random = divide(ratings, "time", scale), divide(ratings, "random", scale)
    divisions = {
        "held out from training, the latest tenth": hold_out(by_time),
        "held out from training, each user's last ten": leave_last(by_time),
        "held out from training, a random tenth": hold_out(random),
    }
    if arguments.test:
        divisions = {"test, the latest fifth": by_time, "test, a random fifth": random}
    for name, division in divisions.items():
        print(f"\n{name}: {len(division.train.user):,} training and {len(division.test.user):,} test events\n")
        shown = _print_table(division, settings, arguments)
    well_known = np.argsort(-np.bincount(ratings.item), kind="stable")[:LIST_LENGTH].tolist()
    for item in well_known if arguments.show is None else map(ratings.ids.index, arguments.show):
        _print_lists(item, ratings.titles, {peer: shown[peer] for peer in SHOWN if peer in shown})


def _print_table(data: Data, settings: Settings, arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """Returns the scores of each contender, [num_items, num_items], with the first seed."""
    print("| | " + " | ".join(COLUMNS) + " |\n|---|" + "---|" * len(COLUMNS), flush=True)
    shown: dict[str, np.ndarray] = {}
    for name in arguments.only:
        runs = []
        for seed in arguments.seeds if name == OURS else arguments.seeds[:1]:
            begin = time.process_time()
            scores = _fit_ours(data, settings, seed) if name == OURS else PEERS[name](data)
            cost = {"CPU, s": time.process_time() - begin}
            runs.append(next_items.measure(scores, data) | across_sittings.measure(scores, data) | cost)
            shown.setdefault(name, scores)
        print(_row(name, pd.DataFrame(runs)), flush=True)
    return shown


def _fit_ours(data: Data, settings: Settings, seed: int) -> np.ndarray:
    """Returns [num_items, num_items] scores."""
    settings = changed(settings, {"split.method": data.protocol, "training.seed": seed})
    vectors = fit_similar(divided(data, settings), data.catalogue, settings)
    return vectors.queries @ vectors.candidates.T


def _row(name: str, runs: pd.DataFrame) -> str:
    mean, spread = runs.mean(), runs.max() - runs.min()
    digits = {"events@10": 0, "CPU, s": 1}
    cells = []
    for column in COLUMNS:
        form = f".{digits.get(column, 4)}f"
        cells.append(f"{mean[column]:{form}}" + (f" ({spread[column]:{form}})" if len(runs) > 1 else ""))
    return f"| {name} | " + " | ".join(cells) + " |"


def _print_lists(item: int, titles: list[str], scores: dict[str, np.ndarray]) -> None:
    """Prints the most similar items by each contender next to each other."""
    print(f"\nSimilar to {titles[item]}:\n\n| {' | '.join(scores)} |\n|{'---|' * len(scores)}")
    lists = [next_items.first(of_all, LIST_LENGTH)[item] for of_all in scores.values()]
    for row in zip(*lists, strict=True):
        print(f"| {' | '.join(titles[other] for other in row)} |")


if __name__ == "__main__":
    main()
