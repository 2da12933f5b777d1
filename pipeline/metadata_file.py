"""The metadata store of a local run, a SQLite file, examined before TFX opens it."""

import contextlib
import sqlite3
import sys
import time
from pathlib import Path

from schemas.errors import DataError, SettingsError

WAIT_SECONDS = 60.0
_BETWEEN = 0.2
"""Seconds between two attempts."""


def check(path: Path, wait: float = WAIT_SECONDS) -> None:
    """Checks that the file, if there is one, is whole and not in use; waits for another program that uses it.

    Args:
      path: the SQLite file.
      wait: longest time to wait, in seconds.

    Raises:
      DataError: the file is damaged.
      SettingsError: another program still uses it, or it cannot be opened.
    """
    if not path.exists():
        return
    address = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with contextlib.closing(sqlite3.connect(address, timeout=0, isolation_level=None, uri=True)) as database:
            _reserve(database, path, wait)
            [(found,)] = database.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError as error:
        raise SettingsError(f"{path}: cannot be used: {error}; make it a file that this user may write to") from error
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise DataError(
            f"{path}: damaged: {' '.join(found.split())}; restore it or rename it: without it, all steps run again, "
            "and the model is compared with none of the earlier ones"
        )


def _reserve(database: sqlite3.Connection, path: Path, wait: float) -> None:
    """Begins a transaction, which ends with the connection."""
    end, is_first = time.monotonic() + wait, True
    while True:
        try:
            database.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            if time.monotonic() >= end:
                raise SettingsError(
                    f"{path}: still locked by another program after {wait:g} s; end that program, such as a viewer or "
                    "a copy of the file, and run again"
                ) from error
        if is_first:
            print(f"{path}: locked by another program; waiting for it, at most {wait:g} s", file=sys.stderr)
            is_first = False
        time.sleep(_BETWEEN)
