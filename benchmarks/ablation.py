"""Ablation of the models: the effect of switching each idea on or off on its own, compared with the defaults.

    python -m benchmarks.ablation --config pipeline/configs/movielens-100k.toml --seeds 42 43 44

Everything is measured on a tenth of the training ratings, held out by the protocol's rule; the test ratings are never
used. Models are not refitted on all training events, since that would cost the same for all of them.
Prints tables in Markdown: means over the seeds, and in brackets the spread (highest - lowest).
"""

import argparse
import os
import time
from typing import Any, get_args

import pandas as pd

from benchmarks.changed import changed
from benchmarks.contender import Kind
from benchmarks.judging import describe, judge
from benchmarks.options import add_config, add_protocols, add_seeds
from benchmarks.protocols import Data, divide, hold_out
from benchmarks.ratings import read
from benchmarks.results import CPU_SECONDS
from schemas.settings import Settings, load

RETRIEVAL: dict[str, dict[str, Any]] = {
    "defaults": {},
    "query: no user id": {"user_id": False},
    "query: no history": {"history": "none"},
    "query: + request time": {"request_time": ["bucket", "normalized", "hour", "weekday"]},
    "candidate: no content": {"genres": False, "title_words": False, "release_year": False},
    "width 64": {"embedding_dimension": 64},
    "loss: sampled": {"full_softmax_items": 0, "uniform_negatives": 512},
    "no dropout of ids": {"id_dropout": 0.0},
    "no weight decay": {"weight_decay": 0.0},
    "no linear part": {"linear": False},
}
RATING: dict[str, dict[str, Any]] = {
    "defaults": {},
    "width 8": {"bayesian.dimension": 8},
    "10 side features only": {"bayesian.side_features": 10},
    "mood of 1 rating only": {"bayesian.recent_events": 1},
    "network, dot product only": {"model": "network", "network.deep_layers": []},
    "network with a dense layer": {"model": "network"},
    "network, + retrieval task": {"model": "network", "network.retrieval_weight": 0.1},
}
SHOWN = {"retrieval": ["NDCG@10", "NDCG@100", "b@100", "cov@10"], "rating": ["RMSE", "MAE"]}


def main() -> None:
    """Fits every variant for every protocol and seed, and prints a table for each protocol and kind."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_config(parser)
    add_protocols(parser)
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=get_args(Kind),
        default=list(get_args(Kind)),
        help="kinds of models to measure (default: all)",
    )
    add_seeds(parser, [42, 43, 44])
    arguments = parser.parse_args()
    settings = load(arguments.config)
    ratings = read(settings.data)
    for protocol in arguments.protocols:
        data = hold_out(divide(ratings, protocol, settings.data.rating_scale))
        for kind in arguments.kinds:
            print(f"\nHeld out from training, {describe(data)}\n", flush=True)
            _print_table(kind, data, settings, arguments.seeds)


def _print_table(kind: Kind, data: Data, settings: Settings, seeds: list[int]) -> None:
    columns = [*SHOWN[kind], CPU_SECONDS]
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns), flush=True)
    for name, changes in (RETRIEVAL if kind == "retrieval" else RATING).items():
        runs = pd.DataFrame([_measure(kind, data, _changed(settings, kind, changes), seed) for seed in seeds])
        spread = runs.max() - runs.min()
        cells = [f"{runs[column].mean():.4f} ({spread[column]:.4f})" for column in SHOWN[kind]]
        print(f"| {name} | " + " | ".join([*cells, f"{runs[CPU_SECONDS].mean():.0f}"]) + " |", flush=True)


def _changed(settings: Settings, kind: Kind, changes: dict[str, Any]) -> Settings:
    section = "retrieval" if kind == "retrieval" else "ranking"
    return changed(settings, {"training.refit": False} | {f"{section}.{key}": value for key, value in changes.items()})


def _measure(kind: Kind, data: Data, settings: Settings, seed: int) -> dict[str, float]:
    from benchmarks import atalaya

    begin = time.process_time()
    fit = atalaya.fit_retrieval if kind == "retrieval" else atalaya.fit_rating
    fitted = fit(data, seed, settings)
    seconds = time.process_time() - begin
    return judge(fitted, data).values | {CPU_SECONDS: seconds}


if __name__ == "__main__":
    main()
