"""Measures how fast the pushed recommender answers, beside TensorFlow Recommenders' exact index and the ranking alone.

    python -m benchmarks.serving [--model serving/movielens-100k/<version>]

Both sides hold the same vectors in one process and take turns, so that a busy machine slows both. The yardstick is
given the user's vector, leaves nothing out and rates 10 items; `recommend` looks the user up, leaves out what was seen,
rates as many candidates as its default says and gives titles. Ends with status 1 where a bar is missed.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_recommenders as tfrs

from benchmarks.turns import Call, take_turns
from pipeline.recommend import newest_version
from schemas import signatures as names

K = 10
BATCH = 256
LEAST_THROUGHPUT_RATIO = 5.0
WARM_UP = 100
ROOT = Path(__file__).parents[1]


def main() -> int:
    """Prints the measures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a pushed version (default: the newest of MovieLens 100K)")
    parser.add_argument("--rounds", type=int, default=1000, help="requests of one user on either side")
    options = parser.parse_args()
    version = options.model or newest_version(ROOT / "serving" / "movielens-100k")
    model = tf.saved_model.load(str(version))
    users, items = (_ids(file, column) for file, column in (("ratings", "user_id"), ("items", "item_id")))
    seconds = take_turns(_one_user(model, users, items), options.rounds, WARM_UP)
    seconds |= take_turns(_batches(model, users), max(options.rounds // 20, 3), WARM_UP // 20)
    for name, values in seconds.items():
        p50, p99 = 1e3 * np.percentile(values, (50, 99))
        print(f"{name:44} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms")
    return _judge({name: float(np.median(values)) for name, values in seconds.items()})


def _ids(file: str, column: str) -> list[str]:
    return pd.read_csv(ROOT / "data" / "movielens-100k" / f"{file}.csv", dtype=str)[column].unique().tolist()


def _one_user(model: Any, users: list[str], items: list[str]) -> dict[str, Call]:
    ids, rated = [tf.constant([user]) for user in users], tf.constant(items[:K])
    raters = [tf.constant([user] * K) for user in users]
    queries = [model.embed_users(user)[names.EMBEDDING] for user in ids]
    index = tfrs.layers.factorized_top_k.BruteForce(k=K)
    index.index(model.embed_items(tf.constant(items))[names.EMBEDDING], tf.constant(items))
    compiled = tf.function(index.call, input_signature=[tf.TensorSpec([None, queries[0].shape[1]])])
    rate, recommend, inputs = model.signatures[names.RATE], model.signatures[names.RECOMMEND], _inputs()
    # As a service in Python would keep it: with the inputs it uses, the defaults of the others in the graph.
    bound = tf.function(lambda user_id: model.recommend(user_id)).get_concrete_function(
        tf.TensorSpec([None], tf.string)
    )
    return {
        "recommend, signature": lambda n: recommend(user_id=ids[n % len(ids)], **inputs),
        "recommend, method with defaults": lambda n: model.recommend(ids[n % len(ids)]),
        "recommend, bound once": lambda n: bound(ids[n % len(ids)]),
        "BruteForce, layer": lambda n: index(queries[n % len(ids)]),
        "BruteForce, compiled": lambda n: compiled(queries[n % len(ids)]),
        "rate, 10 items": lambda n: rate(user_id=raters[n % len(ids)], item_id=rated),
    }


def _batches(model: Any, users: list[str]) -> dict[str, Call]:
    recommend, inputs = model.signatures[names.RECOMMEND], _inputs()
    batches = [tf.constant(users[begin : begin + BATCH]) for begin in range(0, len(users) - BATCH, BATCH)]
    return {f"recommend, {BATCH} users": lambda n: recommend(user_id=batches[n % len(batches)], **inputs)}


def _inputs() -> dict[str, tf.Tensor]:
    """What the signature wants beside the user: nothing given, the usual numbers."""
    rows, nothing = tf.constant([], tf.string, [0, 0]), tf.constant([], tf.string)
    return {
        names.HISTORY_ITEM_ID: rows,
        names.TIMESTAMP: tf.constant([], tf.int64),
        names.K: tf.constant(K),
        names.EXCLUDE: rows,
        **{name: nothing for name in (names.ALLOW, names.DENY, names.GENRE)},
        names.INCLUDE_SEEN: tf.constant(False),
        names.N_CANDIDATES: tf.constant(200),
        names.RATING_WEIGHT: tf.constant(1.0),
    }


def _judge(medians: dict[str, float]) -> int:
    recommend, rate = medians["recommend, signature"], medians["rate, 10 items"]
    yardstick = medians["BruteForce, layer"] + rate
    strict = medians["BruteForce, compiled"] + rate
    throughput = BATCH * recommend / medians[f"recommend, {BATCH} users"]
    print(f"recommend / (BruteForce + rate): {recommend / yardstick:.2f}, at most 1 is asked for")
    print(f"recommend / (compiled BruteForce + rate): {recommend / strict:.2f}")
    print(f"recommend bound once / (BruteForce + rate): {medians['recommend, bound once'] / yardstick:.2f}")
    print(f"throughput of {BATCH} users / of one: {throughput:.1f}, at least {LEAST_THROUGHPUT_RATIO:g} is asked for")
    return 0 if recommend <= yardstick and throughput >= LEAST_THROUGHPUT_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
