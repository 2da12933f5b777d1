"""The files of a data set: by the settings, or by paths."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recommender.sources.files import find_files
from recommender.sources.layouts import Table
from schemas.errors import DataError
from schemas.settings import DataSettings

_SPAN = re.compile(r"\{[^}]*\}")


class DataFiles(NamedTuple):
    """Paths of the ratings files and of the items files; `base` is the folder that their names are relative to."""

    ratings: list[str]
    items: list[str]
    base: str


def locate(data: DataSettings) -> DataFiles:
    """Finds the files that the settings name; of spans, those of all.

    Raises:
      DataError: a pattern matches no file, or matches a folder.
    """
    patterns = [_SPAN.sub("*", pattern) for pattern in data.ratings_patterns]
    return locate_below(os.path.expanduser(str(data.folder)), patterns, data.items and _SPAN.sub("*", data.items))


def locate_below(folder: str, ratings: Sequence[str], items: str | None) -> DataFiles:
    """Finds files by patterns below a folder; see `locate`."""
    found = [path for pattern in ratings for path in _find(folder, pattern, "ratings")]
    return DataFiles(list(dict.fromkeys(found)), _find(folder, items, "items") if items else [], folder)


def as_settings(ratings: Sequence[str], items: str | None) -> dict[str, Any]:
    """Returns `folder`, `ratings` and `items` of the settings for paths, each of a file or a pattern."""
    places = [_split(path) for path in (*ratings, *([items] if items else []))]
    folders = [folder for folder, _ in places]
    remote = [folder for folder in folders if "://" in folder]
    if remote and len(set(folders)) > 1:
        raise DataError(
            f"{', '.join(sorted(set(folders)))}: expected all files in one folder, if one is not on this machine"
        )
    folder = (
        folders[0] if remote or len(set(folders)) == 1 else os.path.commonpath([os.path.abspath(f) for f in folders])
    )
    names = [name if at == folder else os.path.relpath(os.path.join(at, name), folder) for at, name in places]
    found = names[: len(ratings)]
    return {
        "folder": folder or ".",
        "ratings": found[0] if len(found) == 1 else found,
        "items": names[-1] if items else "",
    }


def _split(path: str) -> tuple[str, str]:
    """Divides a path into a folder, taken literally, and a name or pattern."""
    path = os.path.expanduser(path)
    if os.path.lexists(path) or not glob.has_magic(path):
        return os.path.split(path)
    parts = Path(path).parts
    first = next(
        place
        for place, part in enumerate(parts)
        if glob.has_magic(part) and not os.path.lexists(os.path.join(*parts[: place + 1]))
    )
    return os.path.join("", *parts[:first]), os.path.join(*parts[first:])


def _find(folder: str, pattern: str, table: Table) -> list[str]:
    try:
        found = find_files(folder, pattern)
    except OSError as error:
        raise DataError(f"{folder}: cannot be reached: {error}; check data.folder") from error
    if not found:
        path = os.path.join(folder, pattern)
        raise DataError(f"{path}: no such file; give the path of an existing file (data.folder, data.{table})")
    for path in found:
        if os.path.isdir(path):
            raise DataError(f"{path}: a folder; data.{table} must name files below data.folder")
    return found
