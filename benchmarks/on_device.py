"""Measures the on-device sequence models on MovieLens 100K, with the original example's protocol and without its leak.

    python -m benchmarks.on_device --seeds 42 43 44

1. The protocol of the on-device example of tensorflow/examples: windows of up to 10 earlier events, ratings of 2 and
   higher, all windows shuffled and a tenth of them used as the test, all 3,953 ids, and lists that exclude nothing.
   Windows next to a test window are in training, so the numbers do not predict the quality on future events.
2. The time split: the latest fifth of the ratings is the test; contexts and training windows use earlier events only.
   The lists exclude the items of the context.
3. The files of the models in the settings, with the random split: bytes, recall and the time of a call on one thread.

The first two parts print means over the seeds, and in brackets the spread (highest - lowest). The models of the first
part, `ORIGINAL`, were chosen on a part of its training windows (measured with `--choose`), not on its test.
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.options import add_config, add_seeds
from benchmarks.protocols import Data, Protocol, divide
from benchmarks.ratings import Ratings, read
from schemas.settings import Settings, load

if TYPE_CHECKING:
    from benchmarks.events import Events
    from recommender.interactions.items import Items

FLOORS = {"recall@10": 0.08, "recall@100": 0.42}
MAX_BYTES = {"bow.tflite": 270_000, "bow.dynamic_range.tflite": 80_000}
MAX_MICROSECONDS = {"bow.tflite": 25.0, "cnn_genre.tflite": 40.0}
PARTS = ("original", "time", "files")
ORIGINAL_IDS = 3_953
ORIGINAL: dict[str, dict[str, Any]] = {
    "bow": {"embedding_width": 64},
    "cnn": {"embedding_width": 64, "encoder": "cnn", "cnn": {"filters": (64, 64)}},
    "rnn": {"embedding_width": 64, "encoder": "rnn", "rnn": {"units": 64}},
    "attention": {"embedding_width": 64, "encoder": "attention"},
}
PUBLISHED = {
    "the example's BOW, measured": (0.0463, 0.3003),
    "the example's CNN, measured": (0.0393, 0.2298),
}
ENCODERS = ("bow", "cnn", "rnn", "attention")


def main() -> None:
    """Prints the tables and the verdict; exits with status 1 if a limit is missed."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config(parser)
    add_seeds(parser, [42, 43, 44])
    parser.add_argument(
        "--encoders", nargs="+", choices=ENCODERS, default=list(ENCODERS), help="encoders to measure (default: all)"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure (default: all)"
    )
    parser.add_argument(
        "--choose", action="store_true", help="measure the first part on held-out training windows instead of its test"
    )
    arguments = parser.parse_args()
    settings = load(arguments.config)
    ratings = read(settings.data)
    met = True
    if "original" in arguments.parts:
        met = _original(ratings, arguments)
    if "time" in arguments.parts:
        _time_split(ratings, settings, arguments)
    if "files" in arguments.parts:
        met = _files(ratings, settings) and met
    sys.exit(0 if met else 1)


def _original(ratings: Ratings, arguments: argparse.Namespace) -> bool:
    from benchmarks import sequence_models as models
    from benchmarks.events import Events
    from benchmarks.sequence_data import original_windows

    ids = np.array([int(item) for item in ratings.ids], np.int32)  # the original's numbers are the ids themselves
    events = Events(ratings.user, ids[ratings.item], ratings.rating, ratings.timestamp)
    windows = original_windows(events, length=10)
    train, test = (windows.fitted, windows.held_out) if arguments.choose else (windows.train, windows.test)
    print(f"\nThe original's protocol: {len(train.label):,} training windows, {len(test.label):,} test windows\n")
    popularity = np.bincount(train.label, minlength=ORIGINAL_IDS)
    table = _Table(["recall@10", "recall@50", "recall@100", "NDCG@10", "mean rank"])
    table.add("most popular", [models.recalls(models.tiled(popularity), test)])
    ours = {}
    for name in arguments.encoders:
        ours[name] = [
            models.recalls(models.fit_original(train, popularity[1:], ORIGINAL[name], seed), test)
            for seed in arguments.seeds
        ]
        table.add(f"ours, {name}", ours[name])
    for name, values in PUBLISHED.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.4f}" for key, value in zip(FLOORS, values, strict=True)))
    means = {name: pd.DataFrame(runs).mean() for name, runs in ours.items()}
    best = max(means, key=lambda name: means[name]["recall@10"])
    met = all(means[best][key] >= value for key, value in FLOORS.items())
    floors = ", ".join(f"{key} {means[best][key]:.4f} (at least {value})" for key, value in FLOORS.items())
    print(f"\n{'met' if met else 'MISSED'} by ours, {best}: {floors}", flush=True)
    return met


def _time_split(ratings: Ratings, settings: Settings, arguments: argparse.Namespace) -> None:
    from benchmarks import sequence_models as models
    from benchmarks.sequence_data import FEATURES

    _, train, test, items = _numbered(ratings, "time", settings)
    print(f"\nThe time split: {len(train.user):,} training events, {len(test.user):,} test events\n")
    table = _Table(["windows", "recall@10", "recall@50", "recall@100", "NDCG@10", "mean rank"])
    for name, measures in models.baselines(train, test, items).items():
        table.add(name, [measures])
    for described, features in FEATURES.items():
        for encoder in arguments.encoders:
            runs = [
                models.measure_time_split(train, test, items, encoder, features, settings, seed)
                for seed in arguments.seeds
            ]
            table.add(f"{encoder}, {described}", runs)


def _files(ratings: Ratings, settings: Settings) -> bool:
    from benchmarks.sequence_files import export_model

    data, train, test, items = _numbered(ratings, "random", settings)
    print(f"\nThe files, seed {settings.training.seed}: the time of a call that returns k items and, for comparison,")
    print("of a matrix product of the same size\n")
    print("| | width | k | bytes | recall@10 | call, microseconds | product, microseconds | |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    met, unmeasured = True, {*MAX_BYTES, *MAX_MICROSECONDS}
    for model in settings.on_device.models:
        record = export_model(data, train, test, items, model, settings)
        for one in record.variants:
            if one.bytes is None or one.latency_us is None:
                print(f"| {one.file} | cannot be made: {'; '.join(one.reasons)} |")
                continue
            unmeasured.discard(one.file)
            above = one.bytes > MAX_BYTES.get(one.file, one.bytes) or one.latency_us > MAX_MICROSECONDS.get(
                one.file, one.latency_us
            )
            met = met and not above
            refused = "; ".join(record.reasons + one.reasons)
            print(
                f"| {one.file} | {model.embedding_width} | {model.k} | {one.bytes:,} | {one.recall_at_10:.4f} | "
                f"{one.latency_us:.1f} | {one.matmul_us:.1f} | {'MISSED ' if above else ''}{refused} |",
                flush=True,
            )
    limits = [f"{file}: {most:,} bytes" for file, most in MAX_BYTES.items()]
    limits += [f"{file}: {most:g} microseconds" for file, most in MAX_MICROSECONDS.items()]
    met = met and not unmeasured
    print(
        f"\n{'met' if met else 'MISSED'}: at most {', '.join(limits)}; not measured: {unmeasured or 'none'}",
        flush=True,
    )
    return met


def _numbered(ratings: Ratings, protocol: Protocol, settings: Settings) -> "tuple[Data, Events, Events, Items]":
    """Returns the division, its training and test events with the step's numbers of items, and these items."""
    from benchmarks.sequence_data import number_items

    data = divide(ratings, protocol, settings.data.rating_scale)
    items, numbers = number_items(ratings, data.train)
    train, test = (part._replace(item=numbers[part.item]) for part in (data.train, data.test))
    return data, train, test, items


class _Table:
    """A Markdown table whose rows are printed one at a time, when they are measured."""

    def __init__(self, columns: list[str]):
        self._columns = columns
        print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns), flush=True)

    def add(self, name: str, runs: list[dict[str, float]]) -> None:
        """Prints a row with the means of the runs and, for several runs, their spreads."""
        frame = pd.DataFrame(runs)
        mean, spread = frame.mean(), frame.max() - frame.min()
        cells = []
        for column in self._columns:
            digits = 0 if column == "windows" else 1 if column == "mean rank" else 4
            between = f" ({spread[column]:.{digits}f})" if len(runs) > 1 else ""
            cells.append(f"{mean[column]:,.{digits}f}{between}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
