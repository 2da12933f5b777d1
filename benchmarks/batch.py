"""Measures recommendations for all known users: seconds on MovieLens 100K, users per second with a large model.

    python -m benchmarks.batch [--model serving/movielens-100k] [--users 5000]

The large model has random vectors for 100,000 users and 100,000 items. Each measurement runs in a separate process,
whose peak memory is read at its end. The exit status is 1 if a limit is exceeded.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_SECONDS, MAX_GIB = 10.0, 4.0
_SEEN = 100

RECOMMEND = """
import resource, sys, time
from pathlib import Path
from components.batch.files import write_parquet
from components.batch.known_users import KnownUsers

model, k, max_users, output = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
begin = time.monotonic()
users = KnownUsers(model, k)
loaded = time.monotonic()
num_users = min(users.num_users, max_users)
write_parquet(users.tables(0, num_users, lambda done: None), users.schema, output)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(loaded - begin, time.monotonic() - loaded, num_users, peak)
"""
BUILD = """
import sys
from benchmarks.synthetic import random_parts
from recommender.serving.export import save
from schemas.settings import ServingSettings

num_users, num_items, width, seen = map(int, sys.argv[2:])
save(random_parts(num_users, num_items, width, seen), sys.argv[1], ServingSettings())
"""


def main() -> int:
    """Prints the measurements; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description="Measures batch recommendations.")
    parser.add_argument(
        "--model",
        type=Path,
        default=ROOT / "serving" / "movielens-100k",
        help="folder of a pushed model's versions; the newest is measured (default: %(default)s)",
    )
    parser.add_argument("--k", type=int, default=100, help="number of items per user (default: %(default)s)")
    parser.add_argument(
        "--users", type=int, default=5_000, help="number of measured users of the large model (default: %(default)s)"
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs=2,
        default=[100_000, 100_000],
        metavar=("USERS", "ITEMS"),
        help="size of the large model (default: 100000 100000)",
    )
    parser.add_argument(
        "--width", type=int, default=64, help="width of the large model's vectors (default: %(default)s)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fast = _measure_pushed(options.model, options.k, Path(folder))
        small = _measure_large(options, Path(folder))
    return 0 if fast and small else 1


def _measure_pushed(versions: Path, k: int, folder: Path) -> bool:
    from schemas import layout
    from schemas.errors import DataError

    try:
        version = layout.newest(versions)
    except DataError as error:
        print(error)
        return False
    seconds, _ = _recommend(f"{version}", version, k, sys.maxsize, folder)
    return _is_below("seconds after loading", seconds, MAX_SECONDS)


def _measure_large(options: argparse.Namespace, folder: Path) -> bool:
    num_users, num_items = options.sizes
    model = folder / "model"
    _run(BUILD, model, num_users, num_items, options.width, _SEEN)
    what = f"{num_users:,} users x {num_items:,} items, width {options.width}"
    _, gib = _recommend(what, model, options.k, options.users, folder)
    return _is_below("GiB of memory", gib, MAX_GIB)


def _recommend(what: str, model: Path, k: int, max_users: int, folder: Path) -> tuple[float, float]:
    """Returns the seconds after loading and the peak memory in GiB."""
    printed = _run(RECOMMEND, model, k, max_users, folder / "recommendations.parquet")
    loading, seconds, num_users, gib = map(float, printed.split())
    print(
        f"{what}: loaded in {loading:.1f} s; {num_users:,.0f} users x {k} in {seconds:.1f} s, "
        f"{num_users / seconds:,.0f} users per second; peak memory {gib:.2f} GiB"
    )
    return seconds, gib


def _is_below(what: str, value: float, limit: float) -> bool:
    is_below = value < limit
    print(f"    {what}: {value:.2f}, expected below {limit:g}: {'met' if is_below else 'MISSED'}")
    return is_below


def _run(program: str, *arguments: object) -> str:
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
