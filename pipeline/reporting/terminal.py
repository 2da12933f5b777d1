"""The terminal of a local run: the output of the libraries goes to a file, the progress of the steps to the screen."""

import contextlib
import io
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import markup
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from pipeline.reporting.progress import OnceAMinute
from schemas.printable import printable

LOGGER = logging.getLogger("atalaya")
"""The steps' messages to the user. A record may have `progress`, (what, done, total), with the same as its message."""


def escape(text: str) -> str:
    """The text for a console, literally: without markup, and with control characters as escapes that can be seen."""
    return markup.escape(printable(text))


def print_error(error: object) -> None:
    """Prints an error's message to standard error, with control characters as escapes that can be seen."""
    print(printable(str(error)), file=sys.stderr)


def show_any_text() -> None:
    """Makes standard output show a question mark for characters that its encoding lacks."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


@contextlib.contextmanager
def captured(log_file: Path, verbose: bool) -> Iterator[Console]:
    """Sends everything written to standard output and error to `log_file` and yields a console on the real terminal.

    The file descriptors themselves are redirected, since TensorFlow's C++ code writes to them directly.

    Args:
      log_file: receives the output.
      verbose: shows the output on the terminal too.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    terminal, errors = os.dup(1), os.dup(2)
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sink, copier = (log, None) if not verbose else _tee(log, errors)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    try:
        encoding = sys.stdout.encoding or "utf-8"
        with os.fdopen(terminal, "w", buffering=1, encoding=encoding, errors="replace", closefd=False) as stream:
            is_terminal = os.isatty(terminal)
            # Without a set width, tables get the one they need.
            yield Console(
                file=stream,
                force_terminal=is_terminal,
                width=None if is_terminal else 120,
                highlight=False,
                emoji=False,
            )
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(terminal, 1)
        os.dup2(errors, 2)
        if copier:
            os.close(sink)
            copier.join()
        for descriptor in (terminal, errors, log):
            os.close(descriptor)


def _tee(log: int, terminal: int) -> tuple[int, threading.Thread]:
    reader, writer = os.pipe()

    def copy() -> None:
        while data := os.read(reader, 65536):
            os.write(log, data)
            os.write(terminal, data)
        os.close(reader)

    thread = threading.Thread(target=copy, daemon=True)
    thread.start()
    return writer, thread


@contextlib.contextmanager
def waiting(console: Console, what: str) -> Iterator[None]:
    """Shows on a terminal what is waited for and for how long; prints a line with the seconds at the end."""
    started = time.monotonic()
    with _progress(console) as progress:
        progress.add_task(what, total=None)
        yield
    console.print(f"{what:<32}{time.monotonic() - started:7.1f} s")


@contextlib.contextmanager
def counting(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar on a terminal; yields a function that takes how many of `total` are done."""
    with _progress(console, BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _draws(console: Console) -> bool:
    """Whether bars can be drawn: on a terminal that can move its cursor."""
    return console.is_terminal and not console.is_dumb_terminal


def _progress(console: Console, *columns: ProgressColumn) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not _draws(console),
        # Otherwise rich would print the libraries' output to standard error above the bars.
        redirect_stdout=False,
        redirect_stderr=False,
    )


class StepView(logging.Handler):
    """Shows each step: its name and a clock while it runs, bars for its progress, a line at its end.

    Without a terminal, progress is a line once a minute.
    """

    def __init__(self, console: Console, steps: int):
        """Shows `steps` steps on `console`."""
        super().__init__(level=logging.DEBUG)
        self._console = console
        self._steps = steps
        self._number = 0
        self._progress: Progress | None = None
        self._bars: dict[str, TaskID] = {}
        if not _draws(console):
            self.addFilter(OnceAMinute())

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Receives the messages of the steps within the context."""
        level, propagate = LOGGER.level, LOGGER.propagate
        LOGGER.setLevel(logging.DEBUG)
        LOGGER.addHandler(self)
        LOGGER.propagate = False
        try:
            yield
        finally:
            LOGGER.removeHandler(self)
            LOGGER.setLevel(level)
            LOGGER.propagate = propagate

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announces a step; the caller ends it with `done`."""
        self._number += 1
        self._name, self._started = name, time.monotonic()
        bars = (BarColumn(), TextColumn("{task.fields[count]}"))
        self._progress = _progress(self._console, *bars)
        if not _draws(self._console):
            self._console.print(f"{self._head()} started")
        with self._progress:
            self._bars = {name: self._progress.add_task(self._head(), total=None, count="")}
            yield
        self._progress = None

    def done(self, outcome: str = "") -> None:
        """Prints the step's final line: name, seconds and outcome."""
        seconds = time.monotonic() - self._started
        self._console.print(f"{self._head():<32}{seconds:7.1f} s  {outcome}".rstrip())

    def emit(self, record: logging.LogRecord) -> None:
        """Draws a record of progress on a terminal; prints any other record."""
        progress = getattr(record, "progress", None)
        if progress is None or not _draws(self._console):
            message = record.getMessage()
            self._console.print(
                f"        {escape(message)}", style="yellow" if record.levelno >= logging.WARNING else "dim"
            )
            print(message, file=sys.stderr)
        elif self._progress is not None:
            self._draw(*progress)

    def _draw(self, what: str, done: int, total: int) -> None:
        assert self._progress is not None
        # One bar for each first word: "two-tower epoch 3/20" replaces "two-tower epoch 2/20".
        subject = what.split()[0]
        if subject not in self._bars:
            self._bars[subject] = self._progress.add_task(what, count="")
        self._progress.update(
            self._bars[subject], description=f"        {what}", completed=done, total=total, count=f"{done}/{total}"
        )

    def _head(self) -> str:
        return f"[{self._number:>2}/{self._steps}] {self._name}"
