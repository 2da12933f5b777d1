"""A SQLite metadata store that several processes use in turn.

Without turns, a write fails after some attempts with "Concurrent writes aborted" while another process writes. TFX's
launcher (1.16 to 1.21) enters the store for moments only, before and after a step's executor.
"""

import fcntl
from pathlib import Path
from types import TracebackType
from typing import TextIO

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata


class InTurn(metadata.Metadata):
    """TFX's metadata store; holds a lock while it is entered, which the operating system releases with the process."""

    def __init__(self, connection: metadata_store_pb2.ConnectionConfig, lock: Path):
        """Takes the connection and the file to lock, which is created."""
        super().__init__(connection)
        self._lock = lock
        self._held: list[TextIO] = []

    def __enter__(self) -> metadata.Metadata:
        file = open(self._lock, "a")
        if not self._held:
            fcntl.flock(file, fcntl.LOCK_EX)
        self._held.append(file)
        try:
            return super().__enter__()
        except BaseException:
            self._held.pop().close()
            raise

    def __exit__(
        self,
        kind: type[Exception] | None = None,
        error: Exception | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._held.pop().close()
