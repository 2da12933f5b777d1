"""Compares exact search with the approximate index, by recall and latency, on catalogues of several sizes.

    python -m benchmarks.index [--items 1682 100000 1000000] [--width 64]

The vectors are made up: items stand in clusters, and queries are items moved a little. All take turns in one run. The
index is built as `components/scann_exporter` builds it. Recall is the share of the truly best items that is found.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from benchmarks.turns import Call, take_turns
from components.scann_exporter.index import Content, Index, plan
from schemas import signatures as names
from schemas.settings import IndexSettings

QUERIES, BATCH, K = 256, 256, 100
ITEMS_IN_A_CLUSTER = 100
SPREAD = 0.4
"""Standard deviation within a cluster, where that of the clusters' centres is 1."""

Search = Callable[[tf.Tensor], tf.Tensor]
"""[n, width] queries to [n, K] ids."""


def main() -> None:
    """Prints a row for each size and way of searching."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[1_682, 100_000, 1_000_000])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument(
        "--share",
        type=float,
        default=IndexSettings().searched_share,
        help="of the leaves, that a request looks into (default: %(default)s, as in the settings)",
    )
    parser.add_argument("--rounds", type=int, default=50, help="requests of one query for each way")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    print("    items  search      build s  recall@10  recall@100  p50 ms  p99 ms  queries/s at 256")
    for num_items in options.items:
        candidates, queries = make_vectors(num_items, options.width, options.seed)
        _compare(candidates, queries, options.share, options.rounds)


def make_vectors(num_items: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clustered candidates, [num_items, width], and queries, [QUERIES, width], float32."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=[max(num_items // ITEMS_IN_A_CLUSTER, 1), width]).astype(np.float32)

    def near(vectors: np.ndarray) -> np.ndarray:
        return vectors + SPREAD * rng.standard_normal(vectors.shape, np.float32)

    candidates = near(centres[rng.integers(0, len(centres), num_items)])
    return candidates, near(candidates[rng.integers(0, num_items, QUERIES)])


def _compare(candidates: np.ndarray, queries: np.ndarray, share: float, rounds: int) -> None:
    makers = {
        "exact": lambda: _exact(candidates),
        "BruteForce": lambda: _brute_force(candidates),
        "ScaNN": lambda: _scann(candidates, share),
    }
    searches, build_seconds = {}, {}
    for name, make in makers.items():
        started = time.perf_counter()
        searches[name] = make()
        build_seconds[name] = time.perf_counter() - started
    singles, batch = [tf.constant(queries[n : n + 1]) for n in range(QUERIES)], tf.constant(queries[:BATCH])
    one = take_turns({name: _asked(search, singles) for name, search in searches.items()}, rounds, warm_up=2)
    many = take_turns({name: _asked(search, [batch]) for name, search in searches.items()}, rounds=5, warm_up=2)
    truth = searches["exact"](batch).numpy()
    for name, search in searches.items():
        found = search(batch).numpy()
        recalls = [_recall(truth[:, :k], found[:, :k]) for k in (10, K)]
        p50, p99 = 1e3 * np.percentile(one[name], (50, 99))
        print(
            f"{len(candidates):9,}  {name:10}  {build_seconds[name]:7.1f}  {recalls[0]:9.3f}  {recalls[1]:10.3f}"
            f"  {p50:6.2f}  {p99:6.2f}  {BATCH / np.median(many[name]):16,.0f}",
            flush=True,
        )


def _asked(search: Search, queries: list[tf.Tensor]) -> Call:
    return lambda number: search(queries[number % len(queries)])


def _exact(candidates: np.ndarray) -> Search:
    table, ids = tf.Variable(candidates), tf.Variable(_ids(len(candidates)))

    @tf.function(input_signature=[tf.TensorSpec([None, candidates.shape[1]])])
    def search(queries: tf.Tensor) -> tf.Tensor:
        return tf.gather(ids, tf.math.top_k(tf.matmul(queries, table, transpose_b=True), K).indices)

    return search


def _brute_force(candidates: np.ndarray) -> Search:
    index = tfrs.layers.factorized_top_k.BruteForce(k=K)
    index.index(tf.constant(candidates), tf.constant(_ids(len(candidates))))
    return lambda queries: index(queries)[1]


def _scann(candidates: np.ndarray, share: float) -> Search:
    ids, users = _ids(len(candidates)), np.zeros([2, candidates.shape[1]], np.float32)
    everything, nothing = np.arange(len(ids)), np.array([], np.int64)
    scores = np.zeros(len(ids), np.float32)
    content = Content(ids, ids, candidates, np.array([b"somebody"], object), users, nothing, everything, scores)
    index = Index(content, plan(len(candidates), share))
    count = tf.constant(K)
    return lambda queries: index.search(queries, count)[names.ITEM_ID]


def _ids(num_items: int) -> np.ndarray:
    return np.array([b"%d" % item for item in range(num_items)], object)


def _recall(truth: np.ndarray, found: np.ndarray) -> float:
    return float(np.mean([len(set(t) & set(f)) / len(t) for t, f in zip(truth.tolist(), found.tolist(), strict=True)]))


if __name__ == "__main__":
    main()
