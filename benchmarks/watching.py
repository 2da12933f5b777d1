"""Processor time and memory of a local run and of each of its steps, sampled while it runs."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SECONDS_BETWEEN_SAMPLES = 0.5
_LONGEST_NAME = 15
"""Characters of a process's name that Linux keeps."""


class Usage(NamedTuple):
    """Processor seconds, and peak memory in GiB."""

    processor: float = 0.0
    memory: float = 0.0


class Watch(threading.Thread):
    """Watches a run, whose steps are the children of its only child and have the steps' names.

    Memory is the proportional set size, in which pages that several processes share count once.
    """

    def __init__(self, pid: int):
        """Starts to watch the run with that process."""
        super().__init__(daemon=True)
        self._pid, self._ended = pid, threading.Event()
        self._usages: dict[str, Usage] = {}
        self.start()

    def run(self) -> None:
        """Samples until `stop`."""
        while not self._ended.wait(_SECONDS_BETWEEN_SAMPLES):
            self._sample()

    def total(self) -> Usage:
        """The whole run until now."""
        return self._usages.get("", Usage())

    def step(self, name: str) -> Usage:
        """A step, with the processes that it started; zero if it was too short to be seen."""
        return self._usages.get(name[:_LONGEST_NAME], Usage())

    def stop(self) -> None:
        """Stops sampling."""
        self._ended.set()
        self.join()

    def _sample(self) -> None:
        memory = {pid: _bytes(pid) for pid in _tree(self._pid)}
        self._note("", self._pid, sum(memory.values()))
        for child in _children(self._pid):
            for step in _children(child):
                used = sum(memory.get(pid, 0) for pid in _tree(step))
                self._note(_read(Path(f"/proc/{step}/comm")).strip(), step, used)

    def _note(self, name: str, pid: int, used: int) -> None:
        before = self._usages.get(name, Usage())
        self._usages[name] = Usage(max(before.processor, _seconds(pid)), max(before.memory, used / 2**30))


def _children(pid: int) -> list[int]:
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(path).split()]


def _tree(pid: int) -> Iterator[int]:
    """Yields the process and all its descendants."""
    yield pid
    for child in _children(pid):
        yield from _tree(child)


def _bytes(pid: int) -> int:
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _seconds(pid: int) -> float:
    """The processor time of a process and all its descendants, also of those that ended."""
    seconds = 0.0
    for descendant in _tree(pid):
        # After the name, which is in brackets and may contain spaces: field 14 of proc(5) and the three after it.
        fields = _read(Path(f"/proc/{descendant}/stat")).rpartition(")")[2].split()
        seconds += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""
