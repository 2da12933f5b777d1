"""Runs the pipeline on lists of items by user, the form in which Gowalla and Amazon Beauty are shared.

    python -m benchmarks.item_lists FILE [FILE ...] [--users 1000] [--fast] [--folder FOLDER]

Each line is `user item item ...`, oldest first; a user's line in a later file continues the list. The lists become one
CSV of events without ratings or times, from which a run detects the rest.
"""

import argparse
import csv
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Converts the files and runs the pipeline; returns the run's exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.item_lists", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="files with a line `user item item ...` for each user")
    parser.add_argument("--users", type=int, help="number of users to take, the first ones (default: all)")
    parser.add_argument("--fast", action="store_true", help="train in less time, as with runner.py --fast")
    parser.add_argument("--folder", type=Path, help="folder to work in (default: build/item_lists/NAME)")
    options = parser.parse_args()
    name = options.files[0].stem
    folder = (options.folder or ROOT / "build" / "item_lists" / name).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    rows = write_events(options.files, folder / f"{name}.csv", options.users)
    print(f"{folder / name}.csv: {rows:,} events", flush=True)
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "runner.py"), "--local", "--ratings", f"{name}.csv"]
    status = subprocess.run([*command, *["--fast"] * options.fast], cwd=folder, check=False).returncode
    print(f"{time.monotonic() - started:.1f} s, exit status {status}")
    return status


def read_lists(lists: Sequence[Path]) -> dict[str, list[str]]:
    """Returns the items of each user from files with lines `user item item ...`; a later file continues a list."""
    items: dict[str, list[str]] = {}
    for path in lists:
        for line in filter(str.strip, path.read_text(encoding="utf-8").splitlines()):
            user, *chosen = line.split()
            items.setdefault(user, []).extend(chosen)
    return items


def write_events(lists: Sequence[Path], output: Path, num_users: int | None = None) -> int:
    """Writes a CSV with the columns `user` and `item`, in the order of the lists.

    Args:
      lists: files with lines `user item item ...`, separated by spaces; the order of the files is that of time.
      output: the CSV.
      num_users: number of users to take, the first ones; None: all.

    Returns:
      The number of events.
    """
    items = list(read_lists(lists).items())[:num_users]
    rows = [(user, item) for user, chosen in items for item in chosen]
    with open(output, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("user", "item"), *rows])
    return len(rows)


if __name__ == "__main__":
    sys.exit(main())
