"""The recommendations for all known users in one Parquet file."""

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from pipeline.reporting import terminal
from schemas.errors import DataError


def write(version: Path, k: int, output: Path, overwrite: bool, console: Console) -> None:
    """Writes the best items of every known user, seen ones left out, whole or not at all.

    Args:
      version: folder of the pushed version.
      k: items a user, at least 1.
      output: the file.
      overwrite: whether a file that is there may be replaced.
      console: shows how far it is.

    Raises:
      DataError: the version cannot be loaded, the file is there and may not be replaced, or it cannot be written.
    """
    _check(output, overwrite)
    with terminal.waiting(console, "loading the model"):
        # Imported here: seconds that a wrong option must not cost.
        from components.batch.files import write_parquet
        from components.batch.known_users import SCHEMA, KnownUsers

        users = KnownUsers(version, k)
    started = time.monotonic()
    try:
        with terminal.counting(console, "users", users.num_users) as count:
            write_parquet(users.tables(0, users.num_users, count), SCHEMA, output)
    except OSError as error:
        raise DataError(f"{output}: cannot be written: {error.strerror}; nothing was changed") from error
    seconds = time.monotonic() - started
    what = f"version {version.name}, {users.num_users:,} users x {k}"
    console.print(f"{escape(str(output))}: {what}, in {seconds:.1f} s", soft_wrap=True)


def _check(output: Path, overwrite: bool) -> None:
    """What can be told before the model is loaded."""
    # The file takes the place of what is there, which must not be a device either.
    if output.exists() and not output.is_file():
        raise DataError(f"{output}: not a file; --output names the file to write")
    if output.exists() and not overwrite:
        raise DataError(f"{output}: is there already; give --overwrite to replace it, or another --output")
    if not output.parent.is_dir():
        raise DataError(f"{output.parent}: no such folder; make it, or give another --output")
