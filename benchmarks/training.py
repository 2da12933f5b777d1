"""Measures a batch of the two towers' training with many users: as we train, and as TensorFlow and Keras would.

    python -m benchmarks.training [--users 67000]

We give TensorFlow an allocator that keeps memory, and step by an Adam compiled into one pass. The ratings are made up
(`benchmarks.scaling`). The sides take turns in processes of their own, since an allocator is chosen once in a process.
Ends with status 1 where the bar is missed.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from benchmarks.scaling import EVENTS_A_USER, make_ratings
from pipeline import tensorflow_environment

LARGEST_SHARE = 0.6
_TURNS, _WARM_UP, _BATCHES = 3, 5, 30
# What Atalaya replaces: the allocator, the optimizer.
_SIDES = {
    "ours": (True, True),
    "our allocator alone": (True, False),
    "our optimizer alone": (False, True),
    "neither": (False, False),
}


def main() -> int:
    """Prints the measures; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=67_000, help="(default: %(default)s)")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {side: [] for side in _SIDES}
    for turn in range(_TURNS):
        for side, what_is_ours in _SIDES.items():
            with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
                seconds[side] += process.submit(_train, options.users, *what_is_ours).result()
            print(f"turn {turn + 1} of {_TURNS}: {side} done", file=sys.stderr, flush=True)
    print(f"{options.users:,} users, {_TURNS} x {_BATCHES} batches\n")
    print("| | a batch: median, s | 10 % below | 10 % above |\n|---|---:|---:|---:|")
    for side, measured in seconds.items():
        low, middle, high = np.percentile(measured, (10, 50, 90))
        print(f"| {side} | {middle:.3f} | {low:.3f} | {high:.3f} |")
    share = float(np.median(seconds["ours"]) / np.median(seconds["neither"]))
    held = share < LARGEST_SHARE
    print(f"\nours takes {share:.2f} of the time, must be below {LARGEST_SHARE:g}: {'yes' if held else 'NO'}")
    return 0 if held else 1


def _train(num_users: int, is_allocator_ours: bool, is_optimizer_ours: bool) -> list[float]:
    """Seconds of each batch after the first ones, in which TensorFlow compiles."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "1" if is_allocator_ours else "0"
    tensorflow_environment.prepare()

    import tensorflow as tf

    from recommender.interactions.catalogue import Catalogue
    from recommender.interactions.interactions import Interactions
    from recommender.interactions.ragged import Ragged
    from recommender.models.fit import cosine_adam
    from recommender.models.two_tower import TwoTowerModel
    from recommender.training.queries import QueryBatches
    from schemas.settings import RetrievalSettings

    settings, ratings = RetrievalSettings(), make_ratings(num_users * EVENTS_A_USER)
    user, item = (pd.factorize(ratings[name])[0].astype(np.int32) for name in ("user_id", "item_id"))
    events = Interactions.of(
        user=user,
        item=item,
        rating=ratings["rating"].to_numpy(),
        timestamp=ratings["timestamp"].to_numpy(),
        num_users=num_users,
        num_items=int(item.max()) + 1,
    )
    popularity = events.popularity
    one_each = Ragged(np.zeros(len(popularity), np.int32), np.arange(len(popularity) + 1))
    catalogue = Catalogue(num_users, 1, 1, 1, one_each, one_each, one_each)
    model = TwoTowerModel(catalogue, popularity, events.timestamp, settings)
    model.compile(optimizer=cosine_adam(0.001, 1, 1) if is_optimizer_ours else tf.keras.optimizers.Adam())
    batches = QueryBatches(events, "blocks", 4, settings.history_length, settings.batch_size, seed=0)
    train, iterator = model.make_train_function(), iter(batches.dataset().repeat())
    times = []
    for _ in range(_WARM_UP + _BATCHES):
        times.append(time.perf_counter())
        train(iterator)
    times.append(time.perf_counter())
    return np.diff(times)[_WARM_UP:].tolist()


if __name__ == "__main__":
    sys.exit(main())
