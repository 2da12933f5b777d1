"""Files and folders that appear whole or not at all."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

PARTIAL = ".partial-"
"""How the names of unfinished files and folders begin; a process that is killed leaves them behind."""


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yields a path to write to in place of `path`, and renames it when the block ends without an error.

    Everything is flushed to disk before the rename, so that a power cut leaves no empty file under the final name.
    After an error, what was written is removed: a copy that filled the disk would make the next attempt fail too.

    Args:
      path: a file, which is replaced if it exists, or a folder, which must not exist.

    Yields:
      A path in the same folder whose name begins with `PARTIAL` and is used by no other process.
    """
    partial = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}-{path.name}")
    try:
        yield partial
        for part in [*partial.rglob("*"), partial]:
            _flush(part)
        partial.replace(path)
        # Some network file systems cannot flush a folder; the file is in place all the same.
        with contextlib.suppress(OSError):
            _flush(path.parent)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Removes a file or a folder if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
