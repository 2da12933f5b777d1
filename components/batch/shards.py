"""The files of a folder of recommendations, and which of them a killed run left unwritten."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from schemas.whole import PARTIAL

MANIFEST = "_manifest.json"
"""What the files of a folder were made from; readers of a Parquet folder skip names that start with an underscore."""
SUCCESS = "_SUCCESS"
"""Empty file that marks that all others are written."""


class Shard(NamedTuple):
    """A file, and the users in it: from `begin` to before `end`."""

    path: Path
    begin: int
    end: int


def plan(folder: Path, num_users: int, users_per_shard: int) -> list[Shard]:
    """Divides the users among files, in their order."""
    begins = range(0, num_users, users_per_shard)
    return [
        Shard(folder / f"shard-{number:05}-of-{len(begins):05}.parquet", begin, min(begin + users_per_shard, num_users))
        for number, begin in enumerate(begins)
    ]


def prepare(folder: Path, manifest: dict[str, Any]) -> None:
    """Removes everything except complete files made from what `manifest` describes, and writes the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUCCESS).unlink(missing_ok=True)
    for leftover in folder.glob(f"{PARTIAL}*"):
        leftover.unlink()
    if _read(folder / MANIFEST) == manifest:
        return
    # The manifest first, so that files made from different things are never taken for one set.
    (folder / MANIFEST).unlink(missing_ok=True)
    for shard in folder.glob("shard-*.parquet"):
        shard.unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Absent, or cut short by a kill: nothing is known about the files.
        return None
