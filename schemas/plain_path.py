"""Paths that no library misreads: TensorFlow, Beam and TFX look for files by patterns that begin with the folder."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SPECIAL = frozenset("*?[]{}\\^$|")
"""Characters that mean something in a pattern of file names, or in TFX's regular expressions for spans."""


def special(path: str | Path) -> str:
    """The characters of a path that mean something in a pattern, separated by spaces; empty if there are none."""
    return " ".join(sorted(_SPECIAL & set(str(path))))


@contextlib.contextmanager
def plainly_named(folder: str | Path) -> Iterator[Path]:
    """Yields a path to the folder without such characters: its own, or that of a link for as long as it is needed.

    Args:
      folder: of this machine.
    """
    path = Path(folder).absolute()
    if not special(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as place:
        link = Path(place) / "link"
        link.symlink_to(path)
        yield link
