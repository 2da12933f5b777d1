"""The process behind a local run: it imports TFX once, and each step runs in a fork of it.

A fork takes milliseconds, and all of a step's memory is free at its end. Nothing of TensorFlow may run in this process,
as TensorFlow's threads would be in no fork.
"""

import ctypes
import logging
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from pipeline import artifacts, node
from pipeline.garbage_collector import loading
from pipeline.local.messages import Compile, Done, Ended, Failed, Ready, Said, receive, send
from pipeline.reporting.progress import OnceAMinute
from schemas import layout
from schemas.errors import DataError, SettingsError
from schemas.settings import Settings

_PR_SET_PDEATHSIG = 1
"""Of Linux: prctl(2)."""
_MOST_CHARACTERS = 10_000
_SECONDS_BETWEEN_LOOKS = 0.5


def serve(descriptor: int, temporary: str) -> NoReturn:
    """Serves the process at the other end of a socket, until that closes it or ends.

    Args:
      descriptor: of the socket, which keeps messages apart.
      temporary: folder of temporary files, which is removed at the end.
    """
    control = socket.socket(fileno=descriptor)
    try:
        _end_with_parent(signal.SIGKILL)  # the loop below sees the end, but not during the import
        import_tfx()
        _end_with_parent(0)  # the loop ends the steps, too
        _Server(control).serve()
    except Exception as error:
        traceback.print_exc()
        send(control, _failed(None, error))
    shutil.rmtree(temporary, ignore_errors=True)
    # Also the steps, and the processes that they have started; this process leads their group.
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _end_with_parent(signal_number: int) -> None:
    """Lets the system send this process a signal when its parent ends; 0: none."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number)


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
        send(self._control, Ready(upstream, _find_again(self._connection, request.root)))

    def _start(self, name: str, output: int) -> None:
        sys.stdout.flush()  # or each step would print it again
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
            _report_messages(name, self._draws, self._control)
            result = node.launch(self._pipeline, self._nodes[name], self._connection, self._lock)
            # Before the message: the run may end with it, and this process too.
            sys.stdout.flush()
            send(self._control, Done(name, result))
        except BaseException as error:  # a library may call `sys.exit`
            traceback.print_exc()
            sys.stdout.flush()
            send(self._control, _failed(name, error))
        finally:
            os._exit(0)

    def _report_ends(self) -> None:
        while self._steps:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            if process in self._steps:  # or a library has started it
                send(self._control, Ended(self._steps.pop(process), os.waitstatus_to_exitcode(status)))


def _failed(name: str | None, error: BaseException) -> Failed:
    kinds = [kind.__name__ for kind in (DataError, SettingsError) if isinstance(error, kind)]
    message = str(error) if kinds else node.explain(error)
    return Failed(name, "".join(kinds), message[:_MOST_CHARACTERS])


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


def _report_messages(step: str, draws: bool, control: socket.socket) -> None:
    """Sends the step's messages to the user, and writes them to its output too, except what is drawn."""

    class Reporter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress = getattr(record, "progress", None)
            message = record.getMessage()
            if not (progress and draws):
                print(message, file=sys.stderr)
            send(control, Said(step, record.levelno, message[:_MOST_CHARACTERS], progress))

    handler = Reporter()
    if not draws:
        handler.addFilter(OnceAMinute())
    logger = logging.getLogger("atalaya")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
