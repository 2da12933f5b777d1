"""Recommendations for all known users in one Parquet file."""

import time
from pathlib import Path

from rich.console import Console

from pipeline.reporting import terminal
from pipeline.reporting.terminal import escape
from schemas.errors import DataError


def write(version: Path, k: int, output: Path, overwrite: bool, console: Console) -> None:
    """Writes the best items of every known user without seen ones; the file appears complete or not at all.

    Args:
      version: folder of the pushed version.
      k: items per user, at least 1.
      output: the file.
      overwrite: whether an existing file may be replaced.
      console: shows the progress.

    Raises:
      DataError: the version cannot be loaded, the file exists and may not be replaced, or it cannot be written.
    """
    _check(output, overwrite)
    with terminal.waiting(console, "loading the model"):
        # Imported here, since it takes seconds, which a wrong option must not cost.
        from components.batch.files import write_parquet
        from components.batch.known_users import KnownUsers

        users = KnownUsers(version, k)
    started = time.monotonic()
    try:
        with terminal.counting(console, "users", users.num_users) as count:
            write_parquet(users.tables(0, users.num_users, count), users.schema, output)
    except OSError as error:
        raise DataError(f"{output}: cannot be written: {error.strerror}; nothing was changed") from error
    seconds = time.monotonic() - started
    what = f"version {version.name}, {users.num_users:,} users x {k}"
    console.print(f"{escape(str(output))}: {what}, in {seconds:.1f} s", soft_wrap=True)


def _check(output: Path, overwrite: bool) -> None:
    """Checks the output before the model is loaded."""
    # An existing path is replaced, so it must be a file, not a folder or a device.
    if output.exists() and not output.is_file():
        raise DataError(f"{output}: not a file; --output names the file to write")
    if output.exists() and not overwrite:
        raise DataError(f"{output}: already exists; give --overwrite to replace it, or another --output")
    if not output.parent.is_dir():
        raise DataError(f"{output.parent}: no such folder; create it, or give another --output")
