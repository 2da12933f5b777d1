"""Measures how fast the pushed recommender answers, next to TensorFlow Recommenders' exact index and the ranking alone.

    python -m benchmarks.serving [--model serving/movielens-100k/<version>]

Without --model, it measures the version that `benchmarks.local_run` pushed.

All hold the same vectors in one process and take turns, so that other work on the machine slows all of them. The exact
index gets the user's vector and finds as many candidates as `recommend` does by default, and `rate` rates them;
`recommend` also looks up the user, leaves out seen items, orders by both scores and returns titles. Calls are compared
as documented, a layer and signatures, and bound to the inputs that they use, which removes most of Python's part from
both. The exit status is 1 if a floor is missed.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_recommenders as tfrs
from tensorflow.core.protobuf import saved_model_pb2

from benchmarks.local_run import SERVING
from benchmarks.results import Verdict, format_verdicts
from benchmarks.turns import Call, take_turns
from schemas import layout
from schemas import signatures as names

BATCH = 256
LEAST_THROUGHPUT_RATIO = 5.0
WARM_UP = 100
ROOT = Path(__file__).parents[1]


def main() -> int:
    """Prints the measures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a pushed version (default: local_run's)")
    parser.add_argument("--rounds", type=int, default=1000, help="calls of each kind")
    options = parser.parse_args()
    if not options.model and not layout.versions(SERVING):
        parser.error(f"{SERVING}: no pushed version; run python -m benchmarks.local_run before, or give --model")
    version = options.model or layout.newest(SERVING)
    model = tf.saved_model.load(str(version))
    users, items = (_ids(file, column) for file, column in (("ratings", "user_id"), ("items", "item_id")))
    inputs = _defaults(version, names.RECOMMEND)
    one_user = _one_user(model, users, items, inputs, _defaults(version, names.RATE))
    calls = one_user | _batches(model, users, inputs)
    seconds = take_turns(calls, options.rounds, WARM_UP)
    for name, values in seconds.items():
        p50, p99 = 1e3 * np.percentile(values, (50, 99))
        print(f"{name:44} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms")
    return _judge({name: float(np.median(values)) for name, values in seconds.items()})


def _ids(file: str, column: str) -> list[str]:
    return pd.read_csv(ROOT / "data" / "movielens-100k" / f"{file}.csv", dtype=str)[column].unique().tolist()


def _one_user(
    model: Any,
    users: list[str],
    items: list[str],
    inputs: dict[str, tf.Tensor],
    rate_inputs: dict[str, tf.Tensor],
) -> dict[str, Call]:
    number = int(inputs[names.N_CANDIDATES])
    ids, rated = [tf.constant([user]) for user in users], tf.constant(items[:number])
    raters = [tf.constant([user] * number) for user in users]
    queries = [model.embed_users(user)[names.EMBEDDING] for user in ids]
    index = tfrs.layers.factorized_top_k.BruteForce(k=number)
    index.index(model.embed_items(tf.constant(items))[names.EMBEDDING], tf.constant(items))
    rate, recommend = model.signatures[names.RATE], model.signatures[names.RECOMMEND]
    text = tf.TensorSpec([None], tf.string)
    bound_recommend = _bound(lambda user_id: model.recommend(user_id), text)
    bound_index = _bound(lambda query: index(query), tf.TensorSpec([None, queries[0].shape[1]]))
    bound_rate = _bound(lambda user_id, item_id: model.rate(user_id, item_id), text, text)
    return {
        "recommend, signature": lambda n: recommend(user_id=ids[n % len(ids)], **inputs),
        "recommend, method with defaults": lambda n: model.recommend(ids[n % len(ids)]),
        "BruteForce, layer": lambda n: index(queries[n % len(ids)]),
        f"rate, signature, {number} items": lambda n: rate(user_id=raters[n % len(ids)], item_id=rated, **rate_inputs),
        "recommend, bound": lambda n: bound_recommend(ids[n % len(ids)]),
        "BruteForce, bound": lambda n: bound_index(queries[n % len(ids)]),
        f"rate, bound, {number} items": lambda n: bound_rate(raters[n % len(ids)], rated),
    }


def _bound(call: Callable[..., Any], *inputs: tf.TensorSpec) -> Callable[..., Any]:
    return tf.function(call).get_concrete_function(*inputs)


def _batches(model: Any, users: list[str], inputs: dict[str, tf.Tensor]) -> dict[str, Call]:
    recommend = model.signatures[names.RECOMMEND]
    batches = [tf.constant(users[begin : begin + BATCH]) for begin in range(0, len(users) - BATCH, BATCH)]
    return {f"recommend, {BATCH} users": lambda n: recommend(user_id=batches[n % len(batches)], **inputs)}


def _defaults(version: Path, signature: str) -> dict[str, tf.Tensor]:
    """The signature's optional inputs, as TensorFlow Serving fills them in."""
    saved = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    defaults = saved.meta_graphs[0].signature_def[signature].defaults
    return {name: tf.constant(tf.make_ndarray(value)) for name, value in defaults.items()}


def _judge(medians: dict[str, float]) -> int:
    recommend, _, index, rate, bound_recommend, bound_index, bound_rate, many = medians.values()
    print(f"recommend / (BruteForce + rate), all bound: {bound_recommend / (bound_index + bound_rate):.2f}")
    ratio, throughput = recommend / (index + rate), BATCH * recommend / many
    least = f"at least {LEAST_THROUGHPUT_RATIO:g}"
    verdicts = [
        Verdict(f"recommend / (BruteForce + rate) {ratio:.2f}, at most 1", ratio <= 1),
        Verdict(
            f"throughput of {BATCH} users / of one {throughput:.1f}, {least}", throughput >= LEAST_THROUGHPUT_RATIO
        ),
    ]
    print(format_verdicts(verdicts))
    return 0 if all(verdict.met for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
