"""Compares exact search with the approximate indexes, by recall, latency, memory and build time, in one run.

    python -m benchmarks.index [--items 10000 100000 1000000] [--model FOLDER] [--interactions FILE ...]

Catalogues: the vectors of the newest version of a pushed model; factors (truncated SVD) of files with a line
`user item item ...` for each user; and synthetic vectors, with items in clusters and queries close to items. The
indexes are built as in `components/index_exporter`. Half of the queries determine how many items IVF searches; the
recall, the share of the exact best items that are found, is measured on the other half. The methods take turns of 20
requests, since the caches of a server hold the data of one index.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from benchmarks.turns import Call, take_turns
from components.index_exporter import ivf_index, scann_index
from components.index_exporter.content import Catalogue, Content
from schemas import layout
from schemas import signatures as names
from schemas.errors import DataError
from schemas.settings import IndexSettings

QUERIES, BATCH, K = 512, 256, 100
IN_A_ROW = 20
ITEMS_IN_A_CLUSTER = 100
SPREAD = 0.4
"""Standard deviation within a cluster; that of the clusters' centres is 1."""

Search = Callable[[tf.Tensor], tf.Tensor]
"""Finds the [n, K] ids of the best items for [n, width] queries."""


class Searcher(NamedTuple):
    """A search method.

    search: the method. variables: the variables that it holds in memory. searched: how much of the catalogue it
    searches, as text.
    """

    search: Search
    variables: list[tf.Variable]
    searched: str


def main() -> None:
    """Prints a row for each catalogue and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--items", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="sizes of the synthetic catalogues"
    )
    parser.add_argument(
        "--width", type=int, default=64, help="width of synthetic vectors and factors (default: %(default)s)"
    )
    parser.add_argument("--model", type=Path, help="folder of a pushed model's versions; the newest is measured")
    parser.add_argument("--interactions", type=Path, nargs="*", default=[], help="files of interactions to factorize")
    parser.add_argument(
        "--recall", type=float, default=0.99, help="recall that IVF is built for (default: %(default)s)"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=IndexSettings().scann.searched_share,
        help="share of ScaNN's leaves that a request searches (default: %(default)s, as in the settings)",
    )
    parser.add_argument("--rounds", type=int, default=10, help="number of turns of each method, of 20 requests each")
    parser.add_argument("--seed", type=int, default=42, help="seed of all random numbers (default: %(default)s)")
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print("| vectors | items | search | searched | recall@100 | p50 ms | p99 ms | queries/s at 256 | MB | build s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, candidates, queries in _catalogues(options):
        _compare(name, candidates, queries, options)
    print(f"load average {os.getloadavg()[0]:.1f}")


def make_vectors(num_items: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws clustered candidates, [num_items, width] float32, and queries, [QUERIES, width] float32."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=[max(num_items // ITEMS_IN_A_CLUSTER, 1), width]).astype(np.float32)

    def near(vectors: np.ndarray) -> np.ndarray:
        return vectors + SPREAD * rng.standard_normal(vectors.shape, np.float32)

    candidates = near(centres[rng.integers(0, len(centres), num_items)])
    return candidates, near(candidates[rng.integers(0, num_items, QUERIES)])


def _catalogues(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields names, candidates, [num_items, width], and queries, [QUERIES, width], in random order."""
    rng = np.random.default_rng(options.seed)
    real = [(options.model.name, *_pushed_vectors(options.model))] if options.model else []
    real += [(path.stem, *_factors(path, options.width)) for path in options.interactions]
    for name, candidates, queries in real:
        yield name, candidates, queries[rng.choice(len(queries), QUERIES, replace=False)]
    for num_items in options.items:
        yield "synthetic", *make_vectors(num_items, options.width, options.seed)


def _pushed_vectors(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        version = layout.newest(folder)
    except DataError as error:
        raise SystemExit(f"--model {error}") from None
    model = tf.saved_model.load(str(version))
    items, users = model.list_items()[names.ITEM_ID], model.list_users()[names.USER_ID]
    return model.embed_items(items)[names.EMBEDDING].numpy(), model.embed_users(users)[names.EMBEDDING].numpy()


def _factors(path: Path, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Computes item and user vectors by a truncated SVD of the interactions (PureSVD: Cremonesi et al., 2010)."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    users = np.repeat(np.arange(len(lines)), [max(len(line) - 1, 0) for line in lines])
    items = np.unique(np.array([item for line in lines for item in line[1:]]), return_inverse=True)[1]
    # The matrix adds up repeated entries, but an item that a user chose twice must count once.
    chosen = csr_matrix((np.ones(len(users), np.float32), (users, items)))
    chosen.data[:] = 1.0
    right = svds(chosen, k=width, random_state=0, return_singular_vectors="vh")[2]
    vectors = np.ascontiguousarray(right.T)
    return vectors, chosen @ vectors


def _compare(name: str, candidates: np.ndarray, queries: np.ndarray, options: argparse.Namespace) -> None:
    makers = {
        "exact": lambda: _exact(candidates),
        "BruteForce": lambda: _brute_force(candidates),
        "ivf": lambda: _ivf(candidates, queries[BATCH:], options.recall),
    }
    if find_spec("scann"):
        makers["ScaNN"] = lambda: _scann(candidates, options.share)
    searchers, build_seconds = {}, {}
    for method, make in makers.items():
        started = time.perf_counter()
        searchers[method] = make()
        build_seconds[method] = time.perf_counter() - started
    singles, batch = [tf.constant(queries[n : n + 1]) for n in range(BATCH)], tf.constant(queries[:BATCH])
    one = {method: _calls(searcher.search, singles) for method, searcher in searchers.items()}
    many = {method: _calls(searcher.search, [batch]) for method, searcher in searchers.items()}
    one_seconds = take_turns(one, options.rounds, warm_up=1, in_a_row=IN_A_ROW)
    many_seconds = take_turns(many, rounds=3, warm_up=1)
    truth = searchers["exact"].search(batch).numpy()
    for method, searcher in searchers.items():
        recall = _recall(truth, searcher.search(batch).numpy())
        p50, p99 = 1e3 * np.percentile(one_seconds[method], (50, 99))
        megabytes = sum(variable.shape.num_elements() * variable.dtype.size for variable in searcher.variables) / 1e6
        print(
            f"| {name} | {len(candidates):,} | {method} | {searcher.searched} | {recall:.3f} | {p50:.2f} | {p99:.2f} "
            f"| {BATCH / np.median(many_seconds[method]):,.0f} | {megabytes:,.1f} | {build_seconds[method]:.1f} |",
            flush=True,
        )


def _calls(search: Search, queries: list[tf.Tensor]) -> Call:
    return lambda number: search(queries[number % len(queries)])


def _exact(candidates: np.ndarray) -> Searcher:
    table, ids = tf.Variable(candidates), tf.Variable(_ids(len(candidates)))

    @tf.function(input_signature=[tf.TensorSpec([None, candidates.shape[1]])])
    def search(queries: tf.Tensor) -> tf.Tensor:
        return tf.gather(ids, tf.math.top_k(tf.matmul(queries, table, transpose_b=True), K).indices)

    return Searcher(search, [table], "all")


def _brute_force(candidates: np.ndarray) -> Searcher:
    index = tfrs.layers.factorized_top_k.BruteForce(k=K)
    index.index(tf.constant(candidates), tf.constant(_ids(len(candidates))))
    return Searcher(lambda queries: index(queries)[1], _numeric(index.variables), "all")


def _ivf(candidates: np.ndarray, queries: np.ndarray, recall: float) -> Searcher:
    content = _content(candidates, queries)
    index = ivf_index.Index(content, np.arange(len(queries)), K, recall)
    searched = f"{100 * index.searched_items / len(candidates):.2g} %, {index.num_leaves:,} leaves"
    return Searcher(_search(index), _numeric(index.variables), searched)


def _scann(candidates: np.ndarray, share: float) -> Searcher:
    tree = scann_index.plan(len(candidates), share)
    index = scann_index.Index(_content(candidates, candidates[:1]), tree)
    return Searcher(_search(index), _numeric(index.variables), f"{tree.searched:,} of {tree.leaves:,} leaves")


def _search(index: ivf_index.Index | scann_index.Index) -> Search:
    count = tf.constant(K)
    return lambda queries: index.search(queries, count)[names.ITEM_ID]


def _content(candidates: np.ndarray, queries: np.ndarray) -> Content:
    ids, nothing = _ids(len(candidates)), np.array([], np.int64)
    catalogue = Catalogue(ids, ids, np.array([], object), nothing, np.zeros(1, np.int64))
    users = np.array([b"u%d" % user for user in range(len(queries))], object)
    all_queries = np.vstack([queries, np.zeros_like(queries[:1])])
    everything, scores = np.arange(len(ids)), np.zeros(len(ids), np.float32)
    return Content(catalogue, candidates, users, all_queries, nothing, everything, scores)


def _numeric(variables: tuple[tf.Variable, ...]) -> list[tf.Variable]:
    """Returns the variables other than texts, which all methods need and whose memory a variable does not show."""
    return [variable for variable in variables if variable.dtype != tf.string]


def _ids(num_items: int) -> np.ndarray:
    return np.array([b"%d" % item for item in range(num_items)], object)


def _recall(truth: np.ndarray, found: np.ndarray) -> float:
    return float(np.mean([len(set(t) & set(f)) / len(t) for t, f in zip(truth.tolist(), found.tolist(), strict=True)]))


if __name__ == "__main__":
    main()
