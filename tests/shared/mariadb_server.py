"""A MariaDB server on this machine, for the time of a test."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class MariaDB(NamedTuple):
    """A server that runs."""

    port: int
    socket: Path
    """Through which the administrator, who has no password, is let in."""

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path) -> Iterator["MariaDB"]:
        """Starts an empty server that listens on the loopback address alone, and ends it."""
        own = ["--no-defaults", f"--datadir={folder / 'data'}"]
        if os.getuid() == 0:
            own.append("--user=root")  # who has to say so
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
        """The rows of the answer; waits so long for the server to start."""
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch", "-N", "-e", query]
        deadline = time.monotonic() + seconds
        while True:
            process = subprocess.run(command, capture_output=True, text=True, check=False)
            if process.returncode == 0:
                return [line.split("\t") for line in process.stdout.splitlines()]
            assert time.monotonic() < deadline, process.stderr
            time.sleep(0.5)
