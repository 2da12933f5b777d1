"""Measures a training batch of the two-tower model with many users, compared with stock TensorFlow and Keras.

    python -m benchmarks.training [--users 67000]

Atalaya uses an allocator that keeps freed memory, and an Adam optimizer compiled into one pass. The ratings are
synthetic (`benchmarks.scaling`). The variants take turns in separate processes, since a process cannot change its
allocator. The exit status is 1 if the limit is exceeded.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd

from benchmarks.scaling import EVENTS_PER_USER, make_ratings
from pipeline import tensorflow_environment

MAX_SHARE = 0.6
_TURNS, _WARM_UP, _BATCHES = 3, 5, 30
# Whether the allocator and the optimizer are Atalaya's.
_VARIANTS = {
    "ours": (True, True),
    "only our allocator": (True, False),
    "only our optimizer": (False, True),
    "neither": (False, False),
}


def main() -> int:
    """Prints the measurements; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=67_000, help="number of users (default: %(default)s)")
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {variant: [] for variant in _VARIANTS}
    for turn in range(_TURNS):
        for variant, what_is_ours in _VARIANTS.items():
            with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
                seconds[variant] += process.submit(_train, options.users, *what_is_ours).result()
            print(f"turn {turn + 1} of {_TURNS}: {variant} done", file=sys.stderr, flush=True)
    print(f"{options.users:,} users, {_TURNS} x {_BATCHES} batches\n")
    print("| | median batch, s | 10th percentile | 90th percentile |\n|---|---:|---:|---:|")
    for variant, measured in seconds.items():
        low, middle, high = np.percentile(measured, (10, 50, 90))
        print(f"| {variant} | {middle:.3f} | {low:.3f} | {high:.3f} |")
    share = float(np.median(seconds["ours"]) / np.median(seconds["neither"]))
    is_below = share < MAX_SHARE
    verdict = "met" if is_below else "MISSED"
    print(f"\nours takes {share:.2f} of the time of neither, expected below {MAX_SHARE:g}: {verdict}")
    return 0 if is_below else 1


def _train(num_users: int, is_allocator_ours: bool, is_optimizer_ours: bool) -> list[float]:
    """Returns the seconds of each batch after the warm-up, in which TensorFlow compiles."""
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

    settings, ratings = RetrievalSettings(), make_ratings(num_users * EVENTS_PER_USER)
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
