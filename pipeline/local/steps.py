"""The steps of a local run, each in a process; this process needs neither TensorFlow nor TFX."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from pipeline.local.messages import Compile, Done, Ended, Failed, Ready, Said, Start, receive, send
from pipeline.node import Node
from schemas.errors import DataError, SettingsError

_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys
_, descriptor, temporary, sys.path[0] = sys.argv
del sys.argv[1:]  # TFX's steps read the options of their process
from pipeline.local.server import serve
serve(int(descriptor), temporary)
"""
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_FOR_OUTPUT = 5.0
_GONE = "the process that starts the steps has ended; the system may lack memory; run again; finished steps are kept"
_KINDS = {"DataError": DataError, "SettingsError": SettingsError}


class StepError(RuntimeError):
    """A step that failed; the message names it and explains why, and the log has the full error."""


class Steps:
    """The process that imports TFX, which begins at once, and the processes of the steps.

    They end with this object's context, or when this process ends or is killed.
    """

    def __init__(self, lock: TextIO):
        """Starts the process.

        Args:
          lock: stays locked until the last of the processes has ended.
        """
        # TensorFlow and Beam leave temporary files when a process is killed or ends without Python's exit.
        self._temporary = tempfile.TemporaryDirectory(prefix="atalaya-", ignore_cleanup_errors=True)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._output, writer = os.pipe()
        self._relays: list[threading.Thread] = []
        self._writing = threading.Lock()
        self._running: set[str] = set()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), self._temporary.name, str(_ROOT)],
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                pass_fds=[theirs.fileno(), lock.fileno()],
                start_new_session=True,
                env=os.environ | {"TMPDIR": self._temporary.name},
            )
        os.close(writer)

    def __enter__(self) -> "Steps":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def compile(self, request: Compile) -> Ready:
        """Compiles the pipeline when TFX is imported; from now on, output goes to this process's standard output.

        Raises:
          StepError: TFX cannot be imported, or the metadata store cannot be used.
        """
        self._relay(self._output, "")
        self._send(request)
        return self._next()

    def start(self, step: str) -> None:
        """Starts a step; its output goes to this process's standard output, each line after the step's name."""
        reader, writer = os.pipe()
        self._relay(reader, f"{step}: ")
        self._send(Start(step), writer)
        os.close(writer)
        self._running.add(step)

    def wait(self, say: Callable[[Said], None]) -> tuple[str, Node | Exception]:
        """Waits for the end of any step.

        Args:
          say: receives the steps' messages.

        Returns:
          The step's name, and its result or error.

        Raises:
          StepError: the process that starts the steps has ended.
        """
        while True:
            message = self._next()
            if isinstance(message, Said):
                say(message)
            elif message.step in self._running:
                self._running.remove(message.step)
                return message.step, message.result if isinstance(message, Done) else _error(message)

    @property
    def are_running(self) -> bool:
        """Whether any step is running."""
        return bool(self._running)

    def stop(self) -> None:
        """Ends all processes at once, and waits until their output is written."""
        if self._control.fileno() < 0:
            return
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for relay in self._relays:
            relay.join(_SECONDS_FOR_OUTPUT)
        if not self._relays:
            os.close(self._output)
        self._temporary.cleanup()

    def _send(self, message: Compile | Start, *descriptors: int) -> None:
        # If nothing receives it, `_next` raises the error.
        with contextlib.suppress(ConnectionError):
            send(self._control, message, *descriptors)

    def _next(self) -> Any:
        """The next message; raises the error of the process that forks, and also if that has ended."""
        while not select.select([self._control], [], [], _SECONDS_BETWEEN_LOOKS)[0]:
            # A step's process, which has the other end too, may live on.
            if self._process.poll() is not None:
                raise StepError(_GONE)
        try:
            message, _ = receive(self._control)
        except ConnectionError:
            message = None
        if message is None:
            raise StepError(_GONE)
        if isinstance(message, Failed) and message.step is None:
            raise _error(message)
        return message

    def _relay(self, reader: int, prefix: str) -> None:
        def copy() -> None:
            with open(reader, "rb") as lines:
                for line in lines:
                    # On a full disk, what follows is read all the same, or the step would wait for ever.
                    with self._writing, contextlib.suppress(OSError):
                        os.write(1, prefix.encode() + line.rstrip(b"\n") + b"\n")

        thread = threading.Thread(target=copy, daemon=True)
        thread.start()
        self._relays.append(thread)


def _error(message: Failed | Ended) -> Exception:
    place = f"{message.step}: " if message.step else ""
    if isinstance(message, Failed):
        return _KINDS[message.kind](message.message) if message.kind else StepError(place + message.message)
    if message.status == -signal.SIGKILL:
        return StepError(
            f"{place}the system ended its process, which it does when memory runs out; use a machine with more memory "
            "or set local.jobs to 1, and run again; finished steps are kept"
        )
    return StepError(f"{place}its process ended with status {message.status}; run again; finished steps are kept")
