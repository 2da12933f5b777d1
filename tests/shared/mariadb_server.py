"""A MariaDB server on this machine for the duration of a test."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class MariaDB(NamedTuple):
    """A running server."""

    port: int
    socket: Path
    """Socket for the administrator, who needs no password."""

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator["MariaDB"]:
        """Starts an empty server that listens only on the loopback address, and stops it."""
        own = ["--no-defaults", f"--datadir={folder / 'data'}"]
        if os.getuid() == 0:
            own.append("--user=root")  # mariadbd refuses to run as root otherwise
        install = ["mariadb-install-db", *own, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            server = cls(probe.getsockname()[1], folder / "socket")
        options = [f"--socket={server.socket}", f"--port={server.port}", "--bind-address=127.0.0.1"]
        process = subprocess.Popen(["mariadbd", *own, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            server.ask("SELECT 1", seconds=60)
            yield server
        finally:
            process.terminate()
            process.wait()

    def ask(self, query: str, seconds: float = 0) -> list[list[str]]:
        """Returns the rows of the answer; waits up to `seconds` for the server to start."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch", "-N", "-e", query]
        deadline = time.monotonic() + seconds
        while True:
            process = subprocess.run(command, capture_output=True, text=True, check=False)
            if process.returncode == 0:
                return [line.split("\t") for line in process.stdout.splitlines()]
            assert time.monotonic() < deadline, process.stderr
            time.sleep(0.5)
