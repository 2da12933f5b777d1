"""Measures a batch of the two towers' training with many users: our optimizer, and Keras's own Adam beside it.

    python -m benchmarks.training [--users 67000]

The ratings are made up (`benchmarks.scaling`). Each optimizer trains a model of its own; they take turns in one
process, so that a busy machine slows both. Ends with status 1 where the bar is missed.
"""

import argparse
import os
import sys

import numpy as np
import pandas as pd

from benchmarks.scaling import EVENTS_A_USER, make_ratings
from benchmarks.turns import Call, take_turns

LARGEST_SHARE = 0.8
_WARM_UP = 5


def main() -> int:
    """Prints the measures; returns the exit status."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=67_000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="batches of each that count (default: %(default)s)")
    options = parser.parse_args()
    seconds = take_turns(_contenders(make_ratings(options.users * EVENTS_A_USER)), options.rounds, _WARM_UP)
    for name, measured in seconds.items():
        low, middle, high = np.percentile(measured, (10, 50, 90))
        print(f"{name:5}  a batch: median {middle:.3f} s, 10 % below {low:.3f}, 10 % above {high:.3f}")
    share = float(np.median(np.divide(seconds["ours"], seconds["Adam"])))
    held = share < LARGEST_SHARE
    print(f"ours takes {share:.2f} of the time, must be below {LARGEST_SHARE:g}: {'yes' if held else 'NO'}")
    return 0 if held else 1


def _contenders(ratings: pd.DataFrame) -> dict[str, Call]:
    import tensorflow as tf

    from components.models.fit import cosine_adam
    from components.models.inputs import Catalogue, Events, Ragged
    from components.models.two_tower import TwoTowerModel
    from components.trainer.contexts import user_items
    from components.trainer.queries import QueryBatches
    from schemas.settings import RetrievalSettings

    settings = RetrievalSettings()
    user, users = pd.factorize(ratings["user_id"])
    item, items = pd.factorize(ratings["item_id"])
    events = Events(user, item, ratings["rating"].to_numpy(np.float32), ratings["timestamp"].to_numpy(np.int64))
    nothing = Ragged(np.array([], np.int32), np.zeros(len(items) + 1, np.int64))
    catalogue = Catalogue(len(users), 0, 0, 0, nothing, nothing, nothing)
    of_users, popularity = user_items(events, len(users)), np.bincount(item)

    def training(optimizer: tf.keras.optimizers.Optimizer) -> Call:
        tf.keras.utils.set_random_seed(0)
        model = TwoTowerModel(catalogue, popularity, events.timestamp, settings)
        model.compile(optimizer=optimizer)
        batches = QueryBatches(of_users, "blocks", 4, settings.history_length, settings.batch_size, seed=0)
        train, iterator = model.make_train_function(), iter(batches.dataset())
        return lambda number: train(iterator)

    print(f"{len(users):,} users, {len(items):,} items, {settings.batch_size:,} queries in a batch", flush=True)
    return {"ours": training(cosine_adam(0.001, 1, 1)), "Adam": training(tf.keras.optimizers.Adam())}


if __name__ == "__main__":
    sys.exit(main())
