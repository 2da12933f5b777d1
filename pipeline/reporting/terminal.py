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
from rich.console import Console, RenderableType
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

from schemas.printable import printable


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


def draws(console: Console) -> bool:
    """Whether bars can be drawn: on a terminal that can move its cursor."""
    return console.is_terminal and not console.is_dumb_terminal


def _progress(console: Console, *columns: ProgressColumn) -> "_Bars":
    return _Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not draws(console),
        # Otherwise rich would print the libraries' output to standard error above the bars.
        redirect_stdout=False,
        redirect_stderr=False,
    )


class _Bars(Progress):
    """Bars in the order of their field `place`, where they have one: those of a step stay together."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """Yields the table of all bars."""
        yield self.make_tasks_table(sorted(self.tasks, key=lambda task: task.fields.get("place", 0)))


class StepView:
    """Shows the steps that run: of each its name and a clock, bars for its progress, a line at its end.

    Without a terminal, each step has a line at its start and one at its end.
    """

    def __init__(self, console: Console, steps: int):
        """Shows `steps` steps on `console`."""
        self._console = console
        self._steps = steps
        self._started: list[str] = []
        self._running: dict[str, float] = {}
        self._bars: dict[tuple[str, str], TaskID] = {}
        self._progress = _progress(console, BarColumn(), TextColumn("{task.fields[count]}"))

    def shown(self) -> Progress:
        """The context within which bars are drawn."""
        return self._progress

    def start(self, name: str) -> None:
        """Announces a step."""
        self._started.append(name)
        self._running[name] = time.monotonic()
        if not draws(self._console):
            self._console.print(f"{self._head(name)} started")
        self._add((name, ""), self._head(name))

    def end(self, name: str, outcome: str = "") -> None:
        """Prints the step's final line: name, seconds and outcome."""
        seconds = time.monotonic() - self._running.pop(name)
        for key in [key for key in self._bars if key[0] == name]:
            self._progress.remove_task(self._bars.pop(key))
        self._console.print(f"{self._head(name):<32}{seconds:7.1f} s  {outcome}".rstrip())

    def say(self, name: str, level: int, message: str, progress: tuple[str, int, int] | None = None) -> None:
        """Draws a step's progress, (what, done, total), on a terminal; prints any other message."""
        if progress and draws(self._console):
            self._draw(name, *progress)
            return
        style = "yellow" if level >= logging.WARNING else "dim"
        self._console.print(f"        [{style}]{escape(f'{name}: {message}')}[/]")

    def _draw(self, name: str, what: str, done: int, total: int) -> None:
        # One bar for each first word: "two-tower epoch 3/20" replaces "two-tower epoch 2/20".
        key, label = (name, what.split()[0]), f"        {what}"
        if key not in self._bars:
            self._add(key, label)
        self._progress.update(self._bars[key], description=label, completed=done, total=total, count=f"{done}/{total}")

    def _add(self, key: tuple[str, str], label: str) -> None:
        place = self._started.index(key[0])
        self._bars[key] = self._progress.add_task(label, total=None, count="", place=place)

    def _head(self, name: str) -> str:
        return f"[{self._started.index(name) + 1:>2}/{self._steps}] {name}"
