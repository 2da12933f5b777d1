"""The process behind a local run: it imports TFX once, and each step runs in a fork of it.

A fork takes milliseconds, and all of a step's memory is free at its end. Nothing of TensorFlow may run in this process,
as TensorFlow's threads would be in no fork.
"""

import logging
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pipeline import artifacts, node
from pipeline.garbage_collector import loading
from pipeline.node import Node
from pipeline.reporting.progress import OnceAMinute
from schemas import layout
from schemas.errors import DataError, SettingsError
from schemas.settings import Settings

MOST_BYTES = 1 << 17
"""Of a message; the system's limit is a little higher."""
_MOST_CHARACTERS = 10_000
_SECONDS_BETWEEN_LOOKS = 0.5


class Compile(NamedTuple):
    """Request to compile the pipeline; answered by `Ready`."""

    settings: Settings
    root: Path
    """Folder of the artifacts, as TFX gets it."""
    run_id: str
    draws: bool
    """Whether all progress is shown; otherwise, a step reports it once a minute."""


class Start(NamedTuple):
    """Request to run a step; comes with the file descriptor for its output."""

    step: str


class Ready(NamedTuple):
    """The pipeline is compiled."""

    upstream: dict[str, list[str]]
    """The steps that each step depends on."""
    found: list[str]
    """What to report about results of earlier runs."""


class Said(NamedTuple):
    """A step's message to the user."""

    step: str
    level: int
    message: str
    progress: tuple[str, int, int] | None


class Done(NamedTuple):
    """A step has run."""

    step: str
    result: Node


class Failed(NamedTuple):
    """A step, or without its name the process itself, has failed."""

    step: str | None
    kind: str
    """`DataError` or `SettingsError`, the errors that users can fix; empty for any other."""
    message: str


class Ended(NamedTuple):
    """A step's process has ended."""

    step: str
    status: int
    """Below 0: the number of the signal that ended it."""


def serve(descriptor: int) -> NoReturn:
    """Serves the process at the other end of a socket, until that closes it or ends.

    Args:
      descriptor: of the socket, which keeps messages apart.
    """
    control = socket.socket(fileno=descriptor)
    try:
        import_tfx()
        _Server(control).serve()
    except Exception as error:
        traceback.print_exc()
        _send(control, _failed(None, error))
    # Also the steps, and the processes that they have started; this process leads their group.
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def receive(control: socket.socket) -> tuple[Any, list[int]]:
    """Returns the next message and the file descriptors that came with it; None if the other end is closed."""
    data, descriptors, _, _ = socket.recv_fds(control, MOST_BYTES, 1)
    return (pickle.loads(data) if data else None), descriptors


def _send(control: socket.socket, message: NamedTuple) -> None:
    control.send(pickle.dumps(message))


def import_tfx() -> None:
    """Imports what a run needs, without running anything of TensorFlow."""
    with loading():
        import absl.logging
        import tfx.orchestration.portable.launcher  # noqa: F401

        import pipeline.pipeline  # noqa: F401
        from pipeline.engines.signatures import remember_signatures

    remember_signatures()
    absl.logging.set_verbosity(absl.logging.INFO)


class _Server:
    def __init__(self, control: socket.socket):
        self._control = control
        self._steps: dict[int, str] = {}
        """By process."""

    def serve(self) -> None:
        """Serves until the other end is closed."""
        while True:
            self._report_ends()
            if not select.select([self._control], [], [], _SECONDS_BETWEEN_LOOKS)[0]:
                continue
            request, descriptors = receive(self._control)
            if request is None:
                return
            if isinstance(request, Compile):
                self._compile(request)
            else:
                self._start(request.step, *descriptors)

    def _compile(self, request: Compile) -> None:
        self._draws = request.draws
        self._pipeline, self._connection = compile_pipeline(request.settings, request.root, request.run_id)
        self._lock = request.root / layout.METADATA_LOCK
        nodes = [wrapped.pipeline_node for wrapped in self._pipeline.nodes]
        self._nodes = {one.node_info.id: one for one in nodes}
        upstream = {name: list(one.upstream_nodes) for name, one in self._nodes.items()}
        _send(self._control, Ready(upstream, _find_again(self._connection, request.root)))

    def _start(self, name: str, output: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process == 0:
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            self._run(name)
        os.close(output)
        self._steps[process] = name

    def _run(self, name: str) -> NoReturn:
        """Runs a step in this process, and ends it."""
        try:
            Path("/proc/self/comm").write_text(name)  # what `top` shows
            _report_messages(name, self._draws, lambda message: _send(self._control, message))
            result = node.launch(self._pipeline, self._nodes[name], self._connection, self._lock)
            _send(self._control, Done(name, result))
        except Exception as error:
            traceback.print_exc()
            _send(self._control, _failed(name, error))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _report_ends(self) -> None:
        while self._steps:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            _send(self._control, Ended(self._steps.pop(process), os.waitstatus_to_exitcode(status)))


def _failed(name: str | None, error: Exception) -> Failed:
    is_plain = isinstance(error, DataError | SettingsError)
    message = str(error) if is_plain else node.explain(error)
    return Failed(name, type(error).__name__ if is_plain else "", message[:_MOST_CHARACTERS])


def compile_pipeline(settings: Settings, root: Path, run_id: str) -> tuple[Any, Any]:
    """The pipeline's intermediate representation with the run's id, and the connection to its metadata store."""
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
    from tfx.orchestration import metadata
    from tfx.orchestration.portable import runtime_parameter_utils

    from pipeline.pipeline import create_pipeline

    root.mkdir(parents=True, exist_ok=True)
    connection = metadata.sqlite_metadata_connection_config(str(root / layout.METADATA))
    pipeline = Compiler().compile(create_pipeline(settings, str(root), connection))
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return pipeline, connection


def _find_again(connection: Any, root: Path) -> list[str]:
    from tfx.orchestration import metadata

    try:
        with metadata.Metadata(connection) as handle:
            return artifacts.find_again(handle.store, root)
    except RuntimeError as error:
        raise RuntimeError(f"{root / layout.METADATA} cannot be used: {node.explain(error)}") from None


def _report_messages(step: str, draws: bool, send: Callable[[Said], None]) -> None:
    """Sends the step's messages to the user, and writes them to its output too, except what is drawn."""

    class Reporter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress = getattr(record, "progress", None)
            message = record.getMessage()
            if not (progress and draws):
                print(message, file=sys.stderr)
            send(Said(step, record.levelno, message[:_MOST_CHARACTERS], progress))

    handler = Reporter()
    if not draws:
        handler.addFilter(OnceAMinute())
    logger = logging.getLogger("atalaya")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
