"""Measures the cost of a local run at several sizes: elapsed and processor time and peak memory of each step.

    python -m benchmarks.scaling 100000 1000000
    python -m benchmarks.scaling 5000000 --long-tail --fast

The ratings are synthetic: each user likes one of a few groups of items, and in each group a few items are popular.
With --long-tail, there are far more users and items, with few ratings each.
Every size runs in a separate folder and process; --fast shortens the training. The result is a Markdown table, and
with several sizes another one: what ten and a hundred times the largest size would take on one machine, on the line
through the two largest sizes. A step whose work is limited above these takes less.
Steps run at the same time; --jobs limits how many. The costs of a step are those of its process and all its
descendants, and the last row has those of the whole run: elapsed and processor seconds, and peak memory in GiB, in
which pages that processes share count once. Processor time and memory are sampled twice per second.

With --folder, an interrupted measurement continues after the last completed step, so that hours of measuring can be
spread over several runs. Completed steps keep their measurements; a step that completed without being measured is left
out of the table.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.watching import Watch

ROOT = Path(__file__).parents[1]
SETTINGS = """
name = "scaling"
[data]
folder = "data"
rating_scale = [1, 5]
[split]
method = "time"
[batch]
enabled = true
"""
EVENTS_PER_USER = 150
_LONG_TAIL_PER_USER, _LONG_TAIL_PER_ITEM = 5, 25
_GROUPS = 5
_CONFIG = "scaling.toml"
_START, _ALL = "start", "all"
"""Rows of the table in addition to the steps: what comes before the first step, and the whole run."""


class Cost(NamedTuple):
    """Elapsed seconds, processor seconds, and peak memory in GiB."""

    seconds: float
    processor: float
    memory: float


def main() -> None:
    """Runs the pipeline at each size and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", type=int, help="numbers of ratings")
    parser.add_argument("--fast", action="store_true", help="train in less time, as with runner.py --fast")
    parser.add_argument(
        "--long-tail", action="store_true", help="a user for every 5 ratings and an item for every 25, most with few"
    )
    parser.add_argument("--jobs", type=int, help="steps at the same time (default: as many as cores)")
    parser.add_argument(
        "--folder", type=Path, help="folder to work in and to continue from (default: a temporary folder)"
    )
    options = parser.parse_args()
    costs = {}
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            make = make_long_tail if options.long_tail else make_ratings
            fast = ["--fast"] if options.fast else []
            costs[rows] = _measure(Path(folder) / str(rows), rows, fast, make, options.jobs)
            print(_table(costs), flush=True)
    if len(costs) > 1:
        print(_projection(costs))


def make_ratings(rows: int, seed: int = 0) -> pd.DataFrame:
    """Generates synthetic ratings.

    Args:
      rows: number of ratings; a user rates an item at most once.
      seed: seed of all random numbers.

    Returns:
      `user_id`, `item_id`, `rating` (1 to 5) and `timestamp` (seconds since 1970-01-01 UTC) of rows / 150 users and at
      most 17 * rows^0.4 items (1,700 for 100,000 rows).
    """
    num_users, num_items = max(2, rows // EVENTS_PER_USER), round(17 * rows**0.4)

    def draw(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        user = generator.integers(num_users, size=rows)
        group = _draw_groups(user, generator)
        # Squaring a uniform number makes some items far more frequent than others.
        return user, (generator.random(rows) ** 2 * (num_items // _GROUPS)).astype(int) * _GROUPS + group

    return _make(rows, draw, seed)


def make_long_tail(rows: int, seed: int = 0) -> pd.DataFrame:
    """Generates synthetic ratings of many users and items, with few ratings each; see `make_ratings`.

    Users are at most rows / 5, of whom the most active have sqrt(rows) ratings or more; items are at most rows / 25,
    with the popularity of Zipf's law within each group.
    """
    num_users, num_items = max(2, rows // _LONG_TAIL_PER_USER), max(_GROUPS, rows // _LONG_TAIL_PER_ITEM)

    def draw(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        user = (generator.random(rows) ** 2 * num_users).astype(int)
        group = _draw_groups(user, generator)
        return user, (((num_items // _GROUPS) ** generator.random(rows)).astype(int) - 1) * _GROUPS + group

    return _make(rows, draw, seed)


def _draw_groups(user: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draws the group of each event's item, mostly the one that the user likes."""
    liked = generator.random(len(user)) < 0.7
    return np.where(liked, user % _GROUPS, generator.integers(_GROUPS, size=len(user)))


def _make(rows: int, draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]], seed: int) -> pd.DataFrame:
    """Draws users and items, [rows] each, until `rows` pairs are distinct; adds ratings and times."""
    generator = np.random.default_rng(seed)
    table = pd.DataFrame({"user_id": [], "item_id": []}, dtype=int)
    while len(table) < rows:
        user, item = draw(generator)
        drawn = pd.DataFrame({"user_id": user, "item_id": item})
        table = pd.concat([table, drawn]).drop_duplicates(ignore_index=True)[:rows]
    likes = table["user_id"] % _GROUPS == table["item_id"] % _GROUPS
    table["rating"] = np.where(likes, 4, 2) + generator.integers(-1, 2, size=len(table))
    return table.assign(timestamp=1_600_000_000 + generator.integers(365 * 86_400, size=len(table)))


def _measure(
    folder: Path,
    rows: int,
    options: list[str],
    make: Callable[[int], pd.DataFrame] = make_ratings,
    jobs: int | None = None,
) -> dict[str, Cost]:
    if not (folder / _CONFIG).exists():
        _write(folder, make(rows))
    (folder / _CONFIG).write_text(SETTINGS + (f"[local]\njobs = {jobs}\n" if jobs else ""))
    kept = folder / "costs.json"
    known = {step: Cost(*cost) for step, cost in json.loads(kept.read_text()).items()} if kept.exists() else {}
    before = known.pop(_ALL, Cost(0.0, 0.0, 0.0))
    for step, cost, total in _steps(folder, options):
        known[step] = cost
        known[_ALL] = Cost(
            before.seconds + total.seconds, before.processor + total.processor, max(before.memory, total.memory)
        )
        kept.write_text(json.dumps(known))
        print(
            f"{rows:,} ratings | {step}: {cost.seconds:.1f} s, {cost.processor:.1f} processor s, {cost.memory:.1f} GiB",
            file=sys.stderr,
            flush=True,
        )
    return known | {_ALL: known.get(_ALL, before)}


def _write(folder: Path, ratings: pd.DataFrame) -> None:
    """Writes the data; the settings, which are written afterwards, mark the folder as complete."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    ratings.to_csv(folder / "data" / "ratings.csv", index=False)
    items = np.unique(ratings["item_id"])
    described = {"item_id": items, "title": [f"Item {item}" for item in items], "genres": items % _GROUPS}
    pd.DataFrame(described).to_csv(folder / "data" / "items.csv", index=False)


def _steps(folder: Path, options: list[str]) -> Iterator[tuple[str, Cost, Cost]]:
    """Runs the pipeline.

    Yields:
      Name and cost of each step that ends, unless an earlier result was reused, and the cost of the run until then.

    Raises:
      SystemExit: the pipeline failed; its output has the reason.
    """
    command = [sys.executable, "-W", "ignore", str(ROOT / "runner.py"), "--local", "--config", _CONFIG, *options]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1)
    watch = Watch(process.pid)
    start: Cost | None = None
    started: dict[str, float] = {}
    try:
        for line in process.stdout or ():
            if not line.startswith("["):
                print(line.rstrip(), file=sys.stderr, flush=True)
                continue
            now = time.monotonic()
            total = Cost(now - began, *watch.total())
            if not started:
                start = total
            # `[ 2/12] Name started`, and later `[ 2/12] Name  seconds`, and perhaps an outcome.
            step, *_, last = line.split("]")[1].split()
            if last == "started":
                started[step] = now
            elif last not in ("reused", "failed"):
                if start:
                    yield _START, start, total
                start = None
                yield step, Cost(now - started[step], *watch.step(step)), total
        process.wait()
    finally:
        # If measuring stops here, the pipeline must not go on unmeasured.
        process.kill()
        watch.stop()
    if process.returncode not in (0, 3):  # 3: the gate refused the model
        raise SystemExit("the run failed; its log is kept if you give a --folder")


def _table(costs: dict[int, dict[str, Cost]]) -> str:
    steps = dict.fromkeys(step for of_size in costs.values() for step in of_size if step != _ALL)
    head = "".join(f" {rows:,}: s | processor s | GiB |" for rows in costs)
    lines = [f"| step |{head}", "|---|" + "---:|---:|---:|" * len(costs)]
    for step in [*steps, _ALL]:
        cells = [of_size.get(step) for of_size in costs.values()]
        numbers = (f" {c.seconds:.1f} | {c.processor:.1f} | {c.memory:.1f} |" if c else " | | |" for c in cells)
        lines.append(f"| {step} |" + "".join(numbers))
    return "\n".join(lines)


def _projection(costs: dict[int, dict[str, Cost]]) -> str:
    """Projects processor time and memory to ten and a hundred times the largest size."""
    (few, of_few), (many, of_many) = sorted(costs.items())[-2:]
    sizes = [10 * many, 100 * many]
    head = "".join(f" {rows:,}: processor h | GiB |" for rows in sizes)
    lines = [f"| step | per million: processor s | GiB |{head}", "|---|" + "---:|---:|" * 3]
    for step, cost in of_many.items():
        if step not in of_few or step in (_START, _ALL):
            continue
        # Noise can make a step seem cheaper with more ratings.
        slopes = [max(0.0, (after - before) / (many - few)) for before, after in zip(of_few[step], cost, strict=True)]
        cells = [1e6 * slopes[1], 1e6 * slopes[2]]
        for rows in sizes:
            more = rows - many
            cells += [(cost.processor + slopes[1] * more) / 3600, cost.memory + slopes[2] * more]
        lines.append(f"| {step} |" + "".join(f" {cell:.2g} |" if cell < 10 else f" {cell:.0f} |" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
