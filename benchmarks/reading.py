"""Measures how fast files are read, with all checks, compared with readers that check less: rows per CPU second.

    python -m benchmarks.reading [--rows 2000000] [--rounds 3]

The columns are user and item as text, a rating and a time. Each reader runs on one thread; the best of several rounds
counts, and the readers take turns. Atalaya's time includes finding out how the file is written.
"""

import argparse
import csv
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv

from benchmarks.scaling import make_ratings
from recommender.sources.blocks import read_file
from recommender.sources.inference import infer
from schemas.settings import DataSettings

_TEXTS = ("user_id", "item_id")
Reader = Callable[[Path], int]
"""Reads a file; returns the number of rows."""


def main() -> None:
    """Prints a table of all readers and forms of the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000, help="number of ratings (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: %(default)s)")
    options = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(make_ratings(options.rows), Path(folder))
        tasks: dict[str, tuple[Reader, Path]] = {f"Atalaya, {form}": (read_ours, path) for form, path in files.items()}
        tasks |= {name: (read, files["plain CSV"]) for name, read in peers().items()}
        seconds = measure(tasks, options.rows, options.rounds)
    print(format_table(seconds, options.rows))
    if "DuckDB" not in seconds:
        print("\nDuckDB is not installed; `make bench-reading` installs it.")


def write_files(ratings: pd.DataFrame, folder: Path) -> dict[str, Path]:
    """Writes the ratings in each form.

    Args:
      ratings: as `make_ratings` returns them.
      folder: to write to.

    Returns:
      The path by the name of the form.
    """
    table = ratings.astype(dict.fromkeys(_TEXTS, str))
    table["user_id"] = "u" + table["user_id"]
    iso = table.assign(timestamp=pd.to_datetime(table["timestamp"], unit="s").to_numpy().astype("datetime64[s]"))
    names = ("ratings.csv", "quoted.csv", "iso.csv", "ratings.csv.gz", "ratings.parquet", "ratings.jsonl")
    plain, quoted, times, compressed, parquet, lines = (folder / name for name in names)
    table.to_csv(plain, index=False)
    with_commas = table.assign(item_id="Item, no. " + table["item_id"])
    with_commas.to_csv(quoted, index=False, quoting=csv.QUOTE_NONNUMERIC)
    iso.to_csv(times, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    table.to_csv(compressed, index=False, compression={"method": "gzip", "compresslevel": 6})
    table.to_parquet(parquet, index=False)
    table.to_json(lines, orient="records", lines=True)
    return {
        "plain CSV": plain,
        "CSV with quoted fields": quoted,
        "CSV with ISO 8601 times": times,
        "CSV in gzip": compressed,
        "Parquet": parquet,
        "JSON lines": lines,
    }


def read_ours(path: Path) -> int:
    """Reads a file as a run does, on one thread."""
    data = DataSettings(folder=path.parent, ratings=path.name, items="")
    [layout] = infer([str(path)], data, "ratings").layouts
    return sum(len(parsed.table) for parsed in read_file(layout, data))


def peers() -> dict[str, Reader]:
    """Returns the installed readers to compare with."""
    found: dict[str, Reader] = {"pandas": _read_with_pandas, "pyarrow.csv": _read_with_pyarrow}
    if importlib.util.find_spec("duckdb"):
        found["DuckDB"] = _read_with_duckdb
    return found


def measure(tasks: dict[str, tuple[Reader, Path]], rows: int, rounds: int) -> dict[str, float]:
    """Returns the fewest CPU seconds of each task.

    Args:
      tasks: a reader and the file that it reads, by name.
      rows: number of rows that each must return.
      rounds: number of times that each is measured.

    Raises:
      SystemExit: a reader returned another number of rows.
    """
    seconds = dict.fromkeys(tasks, float("inf"))
    for _ in range(rounds):
        for name, (read, path) in tasks.items():
            started = time.process_time()
            found = read(path)
            seconds[name] = min(seconds[name], time.process_time() - started)
            if found != rows:
                sys.exit(f"{name}: {found:,} rows, expected {rows:,}")
    return seconds


def format_table(seconds: dict[str, float], rows: int) -> str:
    """Returns a Markdown table, with each speed as a ratio to Atalaya's for plain CSV."""
    ours = seconds["Atalaya, plain CSV"]
    lines = ["| reader | rows per CPU second | ratio |", "|---|---:|---:|"]
    lines += [f"| {name} | {rows / spent:,.0f} | {ours / spent:.2f} |" for name, spent in seconds.items()]
    return "\n".join(lines)


def _read_with_pandas(path: Path) -> int:
    return len(pd.read_csv(path, dtype=dict.fromkeys(_TEXTS, str)))


def _read_with_pyarrow(path: Path) -> int:
    return pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(use_threads=False),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(_TEXTS, pa.string())),
    ).num_rows


def _read_with_duckdb(path: Path) -> int:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        types = "{'user_id': 'VARCHAR', 'item_id': 'VARCHAR'}"
        query = f"SELECT * FROM read_csv(?, types = {types})"
        return connection.execute(query, [str(path)]).to_arrow_table().num_rows


if __name__ == "__main__":
    main()
