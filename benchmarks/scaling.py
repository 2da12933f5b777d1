"""Measures the cost of a local run at several sizes: elapsed and processor time and peak memory of each step.

    python -m benchmarks.scaling 100000 1000000
    python -m benchmarks.scaling 5000000 --long-tail --fast

The ratings are synthetic: each user likes one of a few groups of items, and in each group a few items are popular.
With --long-tail, there are far more users and items, with few ratings each.
Every size runs in a separate folder and process; --fast shortens the training. The result is a Markdown table.
Processor time and peak memory are those of the process and all its descendants; memory is the sum of their resident set
sizes, sampled five times per second, in GiB.

With --folder, an interrupted measurement continues after the last completed step, so that hours of measuring can be
spread over several runs. Completed steps keep their measurements; a step that completed without being measured is left
out of the table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

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
_SECONDS_BETWEEN_SAMPLES = 0.2
_IMPORTS = "imports"


class Cost(NamedTuple):
    """The cost of a step: elapsed seconds, processor seconds, and peak memory in GiB."""

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
    parser.add_argument(
        "--folder", type=Path, help="folder to work in and to continue from (default: a temporary folder)"
    )
    options = parser.parse_args()
    costs = {}
    with nullcontext(options.folder) if options.folder else tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            make = make_long_tail if options.long_tail else make_ratings
            costs[rows] = _measure(Path(folder) / str(rows), rows, ["--fast"] if options.fast else [], make)
            print(_table(costs), flush=True)


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
    folder: Path, rows: int, options: list[str], make: Callable[[int], pd.DataFrame] = make_ratings
) -> dict[str, Cost]:
    if not (folder / "scaling.toml").exists():
        _write(folder, make(rows))
    kept = folder / "costs.json"
    known = {step: Cost(*cost) for step, cost in json.loads(kept.read_text()).items()} if kept.exists() else {}
    for step, cost, reused in _steps(folder, options):
        if not reused:
            known[step] = cost
            kept.write_text(json.dumps(known))
            print(
                f"{rows:,} ratings | {step}: {cost.seconds:.1f} s, {cost.processor:.1f} processor s, "
                f"{cost.memory:.1f} GiB",
                file=sys.stderr,
                flush=True,
            )
    return known


def _write(folder: Path, ratings: pd.DataFrame) -> None:
    """Writes the data, then the settings, which mark the folder as complete."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    ratings.to_csv(folder / "data" / "ratings.csv", index=False)
    items = np.unique(ratings["item_id"])
    described = {"item_id": items, "title": [f"Item {item}" for item in items], "genres": items % _GROUPS}
    pd.DataFrame(described).to_csv(folder / "data" / "items.csv", index=False)
    (folder / "scaling.toml").write_text(SETTINGS)


def _steps(folder: Path, options: list[str]) -> Iterator[tuple[str, Cost, bool]]:
    """Runs the pipeline; yields each step when it ends: its name, its cost, and whether an earlier result was reused.

    Raises:
      SystemExit: the pipeline failed; its output has the reason.
    """
    command = [sys.executable, "-W", "ignore", str(ROOT / "runner.py"), "--local", "--config", "scaling.toml", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1)
    watch = _Watch(process.pid)
    try:
        step, started, used = _IMPORTS, time.monotonic(), 0.0
        for line in process.stdout or ():
            if not line.startswith("["):
                print(line.rstrip(), file=sys.stderr, flush=True)
                continue
            # `[ 2/12] Name started`, then `[ 2/12] Name  seconds`: each line ends the step or gap before it.
            if step:
                cost = Cost(time.monotonic() - started, _processor_seconds(process.pid) - used, watch.peak())
                yield step, cost, line.rstrip().endswith("reused")
            step = line.split("]")[1].split()[0] if line.rstrip().endswith("started") else ""
            started, used = time.monotonic(), _processor_seconds(process.pid)
        process.wait()
    finally:
        # If measuring stops here, the pipeline must not go on unmeasured.
        process.kill()
        watch.stop()
    if process.returncode not in (0, 3):  # 3: the gate refused the model
        raise SystemExit(f"{step} failed; the run's log is kept if you give a --folder")


class _Watch(threading.Thread):
    """Samples the memory of a process and all its descendants."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid, self._peak, self._ended = pid, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_SAMPLES):
            self._peak = max(self._peak, sum(map(_resident_bytes, _process_tree(self._pid))))

    def peak(self) -> float:
        """Returns the peak since the last call, in GiB."""
        peak, self._peak = self._peak, 0
        return peak / 2**30

    def stop(self) -> None:
        """Stops sampling."""
        self._ended.set()
        self.join()


def _process_tree(pid: int) -> Iterator[int]:
    """Yields the process and all its descendants."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(path).split():
            yield from _process_tree(int(child))


def _resident_bytes(pid: int) -> int:
    pages = _read(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * 4096 if pages else 0


def _processor_seconds(pid: int) -> float:
    """Returns the processor time of a process and all its descendants, also of those that ended."""
    seconds = 0.0
    for descendant in _process_tree(pid):
        # After the name, which is in brackets and may contain spaces: field 14 of proc(5) and the three after it.
        fields = _read(Path(f"/proc/{descendant}/stat")).rpartition(")")[2].split()
        seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def _table(costs: dict[int, dict[str, Cost]]) -> str:
    steps = list(dict.fromkeys(step for of_size in costs.values() for step in of_size))
    head = "".join(f" {rows:,}: s | processor s | GiB |" for rows in costs)
    lines = [f"| step |{head}", "|---|" + "---:|---:|---:|" * len(costs)]
    for step in steps:
        cells = [of_size.get(step) for of_size in costs.values()]
        numbers = (f" {c.seconds:.1f} | {c.processor:.1f} | {c.memory:.1f} |" if c else " | | |" for c in cells)
        lines.append(f"| {step} |" + "".join(numbers))
    sums = "".join(
        f" {sum(c.seconds for c in of_size.values()):.0f} | {sum(c.processor for c in of_size.values()):.0f} | |"
        for of_size in costs.values()
    )
    return "\n".join([*lines, f"| all |{sums}"])


if __name__ == "__main__":
    main()
