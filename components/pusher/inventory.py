"""The contents of the folder of a recommender's pushed versions."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from schemas import layout, model_card
from schemas.errors import DataError
from schemas.model_card import ModelCard


class Origin(BaseModel):
    """Which model a version holds, and whether a rollback made it."""

    model_config = ConfigDict(frozen=True)

    sha256: str | None = None
    """`digest` of the model; absent in versions pushed before it was recorded."""
    withdrawn: tuple[str, ...] = ()
    """`digest` of every model that a rollback has taken out of service: no run pushes these again."""
    copy_of: int | None = None
    """Number of the earlier version that a rollback copied."""
    rolled_back_from: int | None = None
    """Number of the version that was the newest before that rollback."""


class Version(NamedTuple):
    """One version."""

    number: int
    folder: Path
    origin: Origin
    card: ModelCard | None
    """None for versions pushed before there were cards."""
    problem: str | None = None
    """Why it is not a complete version, or None."""


def versions(base: Path) -> list[Version]:
    """Returns all versions, also damaged ones, oldest first."""
    return [_read(version) for version in layout.versions(base)]


def find(base: Path, number: int) -> Version:
    """Returns the version with that number.

    Raises:
      DataError: there is none.
    """
    there = {int(version.name): version for version in layout.versions(base)}
    if number not in there:
        raise DataError(f"{base}: no version {number}; there are: {', '.join(map(str, there)) or 'none'}")
    return _read(there[number])


def foreign(base: Path) -> list[str]:
    """Returns the names in `base` that are not versions, without those that start with a dot."""
    return sorted(path.name for path in base.glob("[!.]*") if not layout.is_version(path))


def read_origin(version: Path) -> Origin | None:
    """Returns the origin, or None if the version was pushed by other means or is damaged."""
    try:
        return Origin.model_validate_json((version / layout.ORIGIN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def withdrawn_models(base: Path) -> tuple[str, ...]:
    """Returns the `sha256` of the models that no run may push.

    Each version passes them on to the next, so the newest one with an origin has all of them.
    """
    origins = (read_origin(version) for version in reversed(layout.versions(base)))
    return next((origin.withdrawn for origin in origins if origin), ())


def digest(parts: Sequence[Path]) -> str:
    """Hashes the names and contents of all files of a model, whether it has been pushed or not.

    Files written by the push are left out: the same model, evaluated twice, is the same model.

    Args:
      parts: folders whose files together are the model; one folder if it has been pushed.
    """
    files = {str(path.relative_to(part)): path for part in parts for path in part.rglob("*") if path.is_file()}
    total = hashlib.sha256()
    for name, path in sorted(files.items()):
        if name not in (layout.ORIGIN, layout.MODEL_CARD):
            total.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return total.hexdigest()


def _read(folder: Path) -> Version:
    number, origin = int(folder.name), read_origin(folder)
    if folder.is_symlink() or not (folder / "saved_model.pb").is_file():
        return Version(number, folder, origin or Origin(), None, "has no saved_model.pb, or is a link")
    if origin is None:
        return Version(number, folder, Origin(), None, f"{layout.ORIGIN} is missing or broken")
    try:
        return Version(number, folder, origin, model_card.read(folder))
    except FileNotFoundError:
        return Version(number, folder, origin, None)
    except (OSError, ValueError):
        return Version(number, folder, origin, None, f"{layout.MODEL_CARD} is broken")
