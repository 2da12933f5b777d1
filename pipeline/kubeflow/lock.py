"""One step at a time on a SQLite file, also among several runs: a schedule starts them without the client."""

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_log = logging.getLogger("atalaya")


@contextlib.contextmanager
def alone(store: Path, who: str) -> Iterator[None]:
    """Waits until no other step uses the store, then makes others wait within the context.

    The lock is of the kind that SQLite itself takes, on a separate file next to the store. The operating system drops
    it when the process ends, even if the step is killed. If a node is lost, its lock on a volume of NFS stays until the
    server's lease ends (NFSv4), or until the file is deleted (NFSv3).

    Args:
      store: the SQLite file; its folder is created if it does not exist.
      who: the holder of the lock, for the log of those that wait.

    Raises:
      RuntimeError: the volume has no file locks.
    """
    store.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{store}.lock", "a+", encoding="utf-8") as file:
        try:
            _take(file)
        except OSError as error:
            raise RuntimeError(
                f"{file.name}: cannot be locked ({error.strerror}): a SQLite file needs a volume with file locks; use "
                'another volume, or set kubeflow.metadata.kind to "mysql"'
            ) from None
        file.truncate(0)
        file.write(who)
        file.flush()
        yield


def _take(file: TextIO) -> None:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # POSIX allows either where another process holds it
        file.seek(0)
        _log.info(
            "waiting for %s: one at a time uses the metadata store; if no step is running, delete %s and start the run "
            "again",
            file.read() or "another step",
            file.name,
        )
        fcntl.lockf(file, fcntl.LOCK_EX)
