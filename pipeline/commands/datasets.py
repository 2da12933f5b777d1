"""Fetches a public data set and writes it as the CSV files that the settings name.

`python -m pipeline.datasets movielens-100k` writes `data/movielens-100k/ratings.csv` and `items.csv`. The archive
comes from GroupLens, or where that cannot be reached from a Python package that carries the same ratings. Every
archive is checked against a pinned SHA-256 before it is opened, and the files appear only when all are complete.
Only the standard library is imported at the top, so that the check of existing files takes no time.
"""

import argparse
import csv
import hashlib
import http.client
import io
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.commands.movielens import TERMS, Tables, convert_grouplens, convert_recbole
from schemas.errors import DataError

RATINGS_HEADER = ("user_id", "item_id", "rating", "timestamp")
ITEMS_HEADER = ("item_id", "title", "genres")
CHECKSUMS = "SHA256SUMS"
CONNECT_SECONDS = 10

GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
PACKAGE = "recbole==1.2.1"


@dataclass(frozen=True)
class Source:
    """One place that offers a data set, as an archive with a known content."""

    name: str
    archive: str
    """The archive's file name; a file of that name in the data folder is used instead of a download."""
    sha256: str
    fetch: Callable[[Path], None]
    """Writes the archive to a path; raises `OSError` or `DataError` if it cannot."""
    convert: Callable[[zipfile.ZipFile], Tables]


@dataclass(frozen=True)
class Dataset:
    """A data set, the sources to try in order, and the size of a complete one."""

    name: str
    sources: tuple[Source, ...]
    num_ratings: int
    num_items: int
    terms: str


def download(path: Path, url: str = GROUPLENS_URL) -> None:
    """Fetches `url` into `path` with a progress bar; gives up if nothing answers within `CONNECT_SECONDS`.

    Raises:
        DataError: The server cannot be reached or does not have the file; the message is its answer.
    """
    from rich.console import Console
    from rich.progress import wrap_file

    console = Console(stderr=True)
    try:
        with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response, path.open("wb") as file:
            size = int(response.headers.get("Content-Length") or 0)
            with wrap_file(response, size, description=path.name, console=console, transient=True) as reader:
                while chunk := reader.read(1 << 16):
                    file.write(chunk)
    except urllib.error.HTTPError as error:
        raise DataError(f"the server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise DataError(f"no connection: {error.reason}") from None
    except http.client.HTTPException as error:
        raise DataError(f"the connection broke: {error!r}") from None


def download_package(path: Path, package: str = PACKAGE) -> None:
    """Fetches the wheel of `package` with pip, as `path`.

    Raises:
        DataError: pip failed; the message has pip's last line.
    """
    from rich.console import Console

    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(path.parent), package]
    with Console(stderr=True).status(f"pip download {package}"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not path.is_file():
        lines = done.stderr.strip().splitlines() or ["it printed nothing"]
        raise DataError(f"pip download {package} failed: {lines[-1]}")


MOVIELENS_100K = Dataset(
    name="movielens-100k",
    sources=(
        Source(
            name=f"GroupLens ({GROUPLENS_URL})",
            archive="ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            fetch=download,
            convert=convert_grouplens,
        ),
        Source(
            name=f"the Python package {PACKAGE}, which contains a copy",
            archive="recbole-1.2.1-py3-none-any.whl",
            sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
            fetch=download_package,
            convert=convert_recbole,
        ),
    ),
    num_ratings=100_000,
    num_items=1_682,
    terms=TERMS,
)
DATASETS = {MOVIELENS_100K.name: MOVIELENS_100K}


def prepare(dataset: Dataset, folder: Path, say: Callable[[str], None] = print) -> Path:
    """Fetches the data set into `folder/<name>/`, unless it is complete there; returns that folder.

    A source whose archive is already in `folder` is tried first.

    Raises:
        DataError: No source could be used; the message gives the reason for each, and what to do by hand.
    """
    target = folder / dataset.name
    if is_whole(target):
        say(f"{dataset.name}: already in {target}")
        return target
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f".{dataset.name}-*"):  # of a call that was killed
        shutil.rmtree(leftover)
    reasons: list[str] = []
    for source in sorted(dataset.sources, key=lambda source: not (folder / source.archive).is_file()):
        try:
            with tempfile.TemporaryDirectory(prefix=f".{dataset.name}-", dir=folder) as scratch:
                _write(_read(source, dataset, folder, Path(scratch)), target, Path(scratch))
        except (DataError, OSError) as error:
            reasons.append(f"{source.name}: {error}")
            continue
        for reason in reasons:
            say(f"{dataset.name}: not from {reason}")
        say(f"{dataset.name}: written to {target}, from {source.name}\n{dataset.terms}")
        return target
    raise DataError(_by_hand(dataset, folder, reasons))


def is_whole(target: Path) -> bool:
    """Whether the folder has a list of checksums, and every file on the list is unchanged."""
    try:
        lines = (target / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(_sha256(target / name) == digest for digest, name in map(str.split, lines))
    except (OSError, ValueError):
        return False


def _read(source: Source, dataset: Dataset, folder: Path, scratch: Path) -> Tables:
    """The source's rows, from an archive that was put into `folder` by hand, or else is fetched into `scratch`."""
    path = folder / source.archive
    if not path.is_file():
        path = scratch / source.archive
        source.fetch(path)
    found = _sha256(path)
    if found != source.sha256:
        raise DataError(f"{path.name} has the SHA-256 {found}, expected {source.sha256}: damaged, or another version")
    try:
        with zipfile.ZipFile(path) as archive:
            tables = source.convert(archive)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path.name} cannot be opened: {error}") from None
    found_counts = (len(tables.ratings), len(tables.items))
    if found_counts != (dataset.num_ratings, dataset.num_items):
        expected = f"{dataset.num_ratings} ratings and {dataset.num_items} items"
        raise DataError(f"{path.name}: expected {expected}, found {found_counts[0]} and {found_counts[1]}")
    return tables


def _write(tables: Tables, target: Path, scratch: Path) -> None:
    """Writes the files next to the target, then moves them there; the list of checksums comes last."""
    contents = {"ratings.csv": (RATINGS_HEADER, tables.ratings), "items.csv": (ITEMS_HEADER, tables.items)}
    checksums = io.StringIO()
    for name, (header, rows) in contents.items():
        with (scratch / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        checksums.write(f"{_sha256(scratch / name)}  {name}\n")
    (scratch / CHECKSUMS).write_text(checksums.getvalue(), encoding="utf-8")
    target.mkdir(exist_ok=True)
    (target / CHECKSUMS).unlink(missing_ok=True)
    for name in (*contents, CHECKSUMS):
        os.replace(scratch / name, target / name)


def _sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _by_hand(dataset: Dataset, folder: Path, reasons: list[str]) -> str:
    """The message when no source worked."""
    archives = " or ".join(str(folder / source.archive) for source in dataset.sources)
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    return (
        f"{dataset.name} could not be fetched from any source:{tried}\n"
        f"Fetch it on a machine that can reach one of them, put it at {archives}, and run the same command again: "
        "it is checked and used from there."
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the name of a data set and `--folder`."""
    parser.add_argument("dataset", choices=sorted(DATASETS), help="name of the data set")
    parser.add_argument("--folder", type=Path, default=Path("data"), help="folder of all data sets (default: data)")


def fetch(options: argparse.Namespace) -> int:
    """Fetches the data set that the options name; returns the exit status."""
    try:
        prepare(DATASETS[options.dataset], options.folder)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; give another --folder", file=sys.stderr)
        return 2
    return 0


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status, 2 if the data could not be fetched."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.datasets", description="Fetch a public data set as CSV.")
    add_arguments(parser)
    return fetch(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
