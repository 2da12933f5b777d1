"""Processes that start as copies of one that has imported the libraries: each saves the ten seconds of its imports.

A copy runs what a fresh process would: the same module or script as `__main__`, with the same arguments, environment
and working directory. The libraries are imported beforehand and not used: TensorFlow, whose threads no copy would have,
starts in each copy by itself. Whether the module imports all that it needs is not tested this way; a test of it starts
it in a fresh process at least once.
"""

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

_IMPORTED = ("tfx.orchestration.portable.launcher", "pipeline.pipeline")
"""They import all that a step or a local run does."""


class Forked:
    """A process that runs; used as a `subprocess.Popen` whose standard error goes with its standard output, as text."""

    def __init__(self, connection: socket.socket, stdout: IO[str]):
        """Reads the process's id from the connection, on which its exit status comes too."""
        self._connection, self._lines = connection, connection.makefile()
        self.pid, self.stdout = int(self._lines.readline()), stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Returns the exit status, or None while it runs."""
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """Returns the exit status when it has ended: below 0 the number of the signal that ended it."""
        if self.returncode is None:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._connection.close()
        return self.returncode

    def communicate(self) -> tuple[str, None]:
        """Returns what it still prints, when it has ended."""
        with self.stdout:
            printed = self.stdout.read()
        self.wait()
        return printed, None

    def send_signal(self, number: int) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)


class Forks:
    """The process that has imported the libraries."""

    def __init__(self, control: socket.socket):
        """Takes the end of the socket at whose other end it waits."""
        self._control = control

    @classmethod
    @contextlib.contextmanager
    def started(cls, environment: dict[str, str]) -> Iterator["Forks"]:
        """Starts it in an environment, which says where the project is imported from; ends it, with all its copies."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-W", "ignore", __file__, str(theirs.fileno())]
        process = subprocess.Popen(
            command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        try:
            assert ours.recv(1), "the process that imports the libraries has ended; its error is above"
            yield cls(ours)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            ours.close()

    def popen(self, command: list[str], cwd: Path, env: dict[str, str]) -> Forked:
        """Starts a command of Python: `[sys.executable, "-m", module, ...]` or `[sys.executable, script, ...]`."""
        reader, writer = os.pipe()
        try:
            return Forked(self._start(command, cwd, env, writer, writer), os.fdopen(reader))
        finally:
            os.close(writer)

    def run(self, command: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs such a command to its end."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = Forked(self._start(command, cwd, env, out.fileno(), err.fileno()), out)
            status = process.wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, status, out.read(), err.read())

    def _start(self, command: list[str], cwd: Path, env: dict[str, str], out: int, err: int) -> socket.socket:
        assert command[0] == sys.executable
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"1"], [theirs.fileno(), out, err])
        ours.sendall(json.dumps({"arguments": command[1:], "cwd": str(cwd), "env": env}).encode() + b"\n")
        return ours


def _serve(control: socket.socket) -> None:
    """Imports the libraries, then forks for each request until the other end is closed."""
    from pipeline import tensorflow_environment
    from pipeline.garbage_collector import loading

    tensorflow_environment.prepare()
    with loading():
        for name in _IMPORTED:
            __import__(name)
    from tensorflow.python.eager import context

    started = context.context_safe()
    assert started is None or not started._initialized, "TensorFlow runs already; its threads would be in no copy"
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that none is waited for
    control.send(b"1")
    while True:
        _, received, _, _ = socket.recv_fds(control, 1, 3)
        if not received:
            return
        if os.fork() == 0:
            control.close()
            _accompany(*received)
        for number in received:
            os.close(number)


def _accompany(connection: int, out: int, err: int) -> NoReturn:
    """Starts what the connection asks for, says its id there and, at its end, its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=connection).makefile("rw") as stream:
        request = json.loads(stream.readline())
        pid = os.fork()
        if pid == 0:
            os.dup2(out, 1)
            os.dup2(err, 2)
        for number in (out, err):
            os.close(number)
        if pid == 0:
            os.close(connection)
            _become(**request)
        print(pid, file=stream, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=stream, flush=True)
    os._exit(0)


def _become(arguments: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Does what a fresh process does with these arguments."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    status: Any = 0
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            sys.path.insert(0, cwd)
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            sys.path.insert(0, str(Path(arguments[0]).parent))
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file, where no process would look
    _serve(socket.socket(fileno=int(sys.argv[1])))
