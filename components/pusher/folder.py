"""Changes to the folder of pushed versions, each of which is atomic for readers."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel

from components.pusher.inventory import (
    Origin,
    Version,
    digest,
    find,
    read_origin,
    versions,
    withdrawn_models,
)
from schemas import layout
from schemas.errors import DataError
from schemas.model_card import ModelCard
from schemas.whole import PARTIAL, whole


class Change(NamedTuple):
    """The newest version after a push or a rollback, and the outcome.

    `new`: it was added; `unchanged`: it already held the model; `withdrawn`: it holds another model, because a rollback
    took this one out of service.
    """

    version: Path
    outcome: Literal["new", "unchanged", "withdrawn"]


def push(parts: Sequence[Path], base: Path, now: int, card: ModelCard) -> Change:
    """Makes a model the newest version under `base`, unless it already is or a rollback has withdrawn it.

    Args:
      parts: folders whose files together are the version: of the SavedModel, and of its exports.
      base: folder of the versions, each named by the second it was pushed in.
      now: unix time in seconds.
      card: becomes a file of the version.
    """
    base.mkdir(parents=True, exist_ok=True)
    with _alone(base):
        newest, withdrawn = _newest(base), withdrawn_models(base)
        # By content: ids and folders of artifacts start again when the pipeline's folder is removed.
        sha256 = digest(parts)
        if newest and _recorded(newest) == sha256:
            return Change(newest, "unchanged")
        if newest and sha256 in withdrawn:
            return Change(newest, "withdrawn")
        origin = Origin(sha256=sha256, withdrawn=withdrawn)
        return Change(_add(parts, base, now, origin, card), "new")


def rollback(number: int, base: Path, now: int) -> Change:
    """Makes an earlier version the newest again, as a copy under a new number, and withdraws the newest one.

    Args:
      number: number of the earlier version.
      base: folder of the versions.
      now: unix time in seconds.

    Raises:
      DataError: there is no such version, it is damaged, or its files are no longer those that were pushed.
    """
    with _alone(base):
        version = find(base, number)
        if version.problem:
            raise DataError(f"{version.folder}: {version.problem}; roll back to another version")
        sha256 = digest([version.folder])
        if version.origin.sha256 not in (None, sha256):
            raise DataError(f"{version.folder}: its files are not those that were pushed; roll back to another version")
        newest = layout.newest(base)
        if digest([newest]) == sha256:
            return Change(newest, "unchanged")
        withdrawn = {*withdrawn_models(base), _recorded(newest) or digest([newest])} - {sha256}
        origin = Origin(
            sha256=sha256,
            withdrawn=tuple(sorted(withdrawn)),
            copy_of=number,
            rolled_back_from=int(newest.name),
        )
        return Change(_add([version.folder], base, now, origin), "new")


def prune(base: Path, keep: int) -> list[Version]:
    """Removes all versions except the `keep` newest and the newest blessed; ignores damaged ones.

    Args:
      base: folder of the versions.
      keep: number of newest versions to keep, at least 1.

    Returns:
      The versions removed.
    """
    with _alone(base):
        whole = [version for version in versions(base) if not version.problem]
        blessed = [version for version in whole if version.card and version.card.evaluation.blessed]
        removed = [version for version in whole[:-keep] if version not in blessed[-1:]]
        for version in removed:
            hidden = base / f"{PARTIAL}{version.number}"
            version.folder.rename(hidden)
            shutil.rmtree(hidden)
        return removed


@contextlib.contextmanager
def _alone(base: Path) -> Iterator[None]:
    """Locks the folder against other changes, and removes what a killed change left behind, which is never served."""
    descriptor = os.open(base, os.O_RDONLY)
    try:
        # Some network file systems have no such locks: there, users must not change the folder at the same time.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        for leftover in base.glob(f"{PARTIAL}*"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)


def _newest(base: Path) -> Path | None:
    return next(reversed(layout.versions(base)), None)


def _recorded(version: Path) -> str | None:
    origin = read_origin(version)
    return origin.sha256 if origin else None


def _add(
    parts: Sequence[Path],
    base: Path,
    now: int,
    origin: Origin,
    card: ModelCard | None = None,
) -> Path:
    """Copies a version's parts to a new folder under `base`; returns it."""
    number = max([now, *(int(version.name) + 1 for version in layout.versions(base))])
    version = base / str(number)
    with whole(version) as partial:
        for part in parts:
            shutil.copytree(part, partial, dirs_exist_ok=True)
        _write(partial / layout.ORIGIN, origin)
        if card:
            _write(partial / layout.MODEL_CARD, card)
    return version


def _write(path: Path, content: BaseModel) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content.model_dump_json(indent=1), encoding="utf-8")
