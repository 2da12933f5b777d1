"""The folder of a local run's artifacts: its name for TFX, and the artifacts in it after it was moved."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from schemas.errors import SettingsError
from schemas.plain_path import special
from schemas.settings import Settings

_BELOW = 3
"""Parts of an artifact's path below the folder: step, output, number of the execution."""


def plain_root(settings: Settings) -> Path:
    """The absolute path that TFX gets of the recommender's artifacts.

    TFX's steps and Beam look for files by patterns that begin with it, so that it must not have characters that mean
    something in a pattern. If it has, this is a link to it among the temporary files, which is the same in every run:
    the cache depends on the paths.

    Raises:
      SettingsError: a link is needed, but workers on other machines would not see it, or it cannot be made.
    """
    root = (settings.local.artifacts / settings.name).absolute()
    if not special(root):
        return root
    links = Path(tempfile.gettempdir()) / f"atalaya-{os.getuid()}"
    advice = f"{root}: TFX would take {special(root)} for patterns; set local.artifacts to "
    if settings.beam.engine != "direct" or special(links):
        raise SettingsError(f"{advice}a folder without these characters")
    try:
        links.mkdir(mode=0o700, exist_ok=True)
        if links.is_symlink() or links.stat().st_uid != os.getuid():
            raise SettingsError(f"{advice}another folder, as {links}, where a link would be, belongs to another user")
        link = links / sha256(os.fsencode(root)).hexdigest()[:16]
        if not link.is_symlink():
            link.symlink_to(root)
    except OSError as error:
        raise SettingsError(f"{advice}another folder, as {links} cannot hold a link: {error.strerror}") from error
    return link


def find_again(store: Any, root: Path) -> list[str]:
    """Corrects the paths of artifacts that are no longer where the metadata store has them, but below the root.

    Args:
      store: the metadata store.
      root: the folder of the artifacts as TFX gets it.

    Returns:
      What to report: which results were found again, and which are gone.
    """
    from ml_metadata.proto import metadata_store_pb2

    states = metadata_store_pb2.Artifact
    moved, gone = [], []
    for artifact in store.get_artifacts():
        place = Path(artifact.uri)
        if artifact.state != states.LIVE or "://" in artifact.uri or place.is_relative_to(root):
            continue
        now = root.joinpath(*place.parts[-_BELOW:])
        if now.exists():
            artifact.uri = str(now)
            moved.append(place)
        elif not place.exists():
            artifact.state = states.DELETED
            gone.append(place)
        else:
            continue
        store.put_artifacts([artifact])
    lines = []
    if moved:
        lines.append(
            f"Earlier results ({len(moved)}) were below {moved[-1].parents[_BELOW - 1]} and are found again below "
            f"{root.resolve()}; steps that read them run again"
        )
    if gone:
        lines.append(
            f"Earlier results ({len(gone)}), such as {gone[-1]}, are gone: they are made again where they are needed, "
            "and no model among them is compared with a new one"
        )
    return lines
