"""The files in a folder of recommendations, and the removal of incomplete and outdated ones."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from schemas.whole import PARTIAL

MANIFEST = "_manifest.json"
"""File that records what the others were made from; Parquet readers skip names that start with an underscore."""
SUCCESS = "_SUCCESS"
"""Empty file that marks the folder as complete."""


class Shard(NamedTuple):
    """A file with the users from `begin` up to but excluding `end`."""

    path: Path
    begin: int
    end: int


def plan(folder: Path, num_users: int, users_per_shard: int) -> list[Shard]:
    """Divides the users into files, in order."""
    begins = range(0, num_users, users_per_shard)
    return [
        Shard(folder / f"shard-{number:05}-of-{len(begins):05}.parquet", begin, min(begin + users_per_shard, num_users))
        for number, begin in enumerate(begins)
    ]


def prepare(folder: Path, manifest: dict[str, Any]) -> None:
    """Removes all files that are incomplete or were made from anything but `manifest`, and writes the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUCCESS).unlink(missing_ok=True)
    for leftover in folder.glob(f"{PARTIAL}*"):
        leftover.unlink()
    if _read(folder / MANIFEST) == manifest:
        return
    # Remove the manifest first, so that files with different origins are never taken for one set.
    (folder / MANIFEST).unlink(missing_ok=True)
    for shard in folder.glob("shard-*.parquet"):
        shard.unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Absent or cut short, so the origin of the files is unknown.
        return None
