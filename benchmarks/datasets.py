"""The data of a comparison, given as `NAME=PATH[:PROTOCOL,...]`.

PATH is a file, a folder or a pattern, of one of these kinds:
- `.toml`: a settings file, of which only the section `[data]` is used;
- `.txt`: lists of items by user, a line `user item item ...`, oldest first; a user's line in a later file continues it;
- anything else: a log with an event in each row, read and recognized like the pipeline's files.
Of several files, those with `test` in their names are the test. `movielens-100k` needs no path.
"""

import glob
import re
from pathlib import Path
from typing import NamedTuple, get_args

from benchmarks.protocols import Protocol
from benchmarks.ratings import Ratings, read, read_files_of_lists
from recommender.sources.data_files import as_settings
from schemas.errors import DataError
from schemas.settings import DataSettings, Settings, check, load

MOVIELENS = "movielens-100k"
_MOVIELENS_SETTINGS = "pipeline/configs/movielens-100k.toml"
_SPEC = re.compile(r"(?P<name>[^=:]+)(=(?P<path>.+?))?(:(?P<protocols>[a-z,]+))?")


class Dataset(NamedTuple):
    """Data, and how it is divided.

    settings: the defaults, with nothing but the data named.
    """

    name: str
    ratings: Ratings
    protocols: tuple[Protocol, ...]
    settings: Settings


def load_dataset(spec: str) -> Dataset:
    """Reads the data that a specification names; without a protocol, divides it in the ways that suit it.

    Raises:
      DataError: the specification cannot be understood, names no file or an unknown protocol, or a file cannot be read.
      SettingsError: a settings file is wrong, or the name is not one of a recommender.
    """
    match = _SPEC.fullmatch(spec)
    if not match or not (match["path"] or match["name"] == MOVIELENS):
        raise DataError(f"expected data as NAME=PATH or NAME=PATH:PROTOCOL, or {MOVIELENS}, got {spec!r}")
    protocols = tuple(match["protocols"].split(",")) if match["protocols"] else ()
    if unknown := set(protocols) - set(get_args(Protocol)):
        raise DataError(f"{spec}: expected protocols of {get_args(Protocol)}, got {sorted(unknown)}")
    files = find_files(match["path"] or _MOVIELENS_SETTINGS)
    train, test = ([path for path in files if ("test" in path.name) == is_test] for is_test in (False, True))
    if not train or ("given" in protocols and not test):
        raise DataError(f"{spec}: expected files for training and for the test, got {[path.name for path in files]}")
    data = _settings_of(files)
    if train[0].suffix == ".txt":
        ratings = read_files_of_lists(train, test)
    else:
        ratings = read(data, [path.name for path in test])
    settings = check({"name": match["name"], "data": data.model_dump(exclude_unset=True)}, spec)
    return Dataset(match["name"], ratings, protocols or _suitable(ratings, train[0]), settings)


def find_files(path: str) -> list[Path]:
    """Returns the files that a path of a file, a folder or a pattern stands for, by name.

    Raises:
      DataError: there is none.
    """
    place = Path(path).expanduser()
    found = place.iterdir() if place.is_dir() else map(Path, glob.glob(str(place)))
    files = sorted(file for file in found if file.is_file())
    if not files:
        raise DataError(f"{path}: expected a file, a folder of files or a pattern, got nothing")
    return files


def _settings_of(files: list[Path]) -> DataSettings:
    if files[0].suffix == ".toml":
        return load(files[0]).data
    return DataSettings.model_validate(as_settings([str(file) for file in files], None))


def _suitable(ratings: Ratings, first: Path) -> tuple[Protocol, ...]:
    if ratings.is_test.any():
        return ("given",)
    if ratings.position is None:
        return "random", "time"
    return ("last",) if first.suffix == ".txt" else ("random",)
