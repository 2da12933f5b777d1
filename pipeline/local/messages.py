"""The messages between a local run and the processes of its steps, through a socket that keeps messages apart."""

import pickle
import socket
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.node import Node
from schemas.settings import Settings

_MOST_BYTES = 1 << 17
"""Of a message; the system's limit is a little higher."""


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


def receive(control: socket.socket) -> tuple[Any, list[int]]:
    """Returns the next message and the file descriptors that came with it; None if the other end is closed."""
    data, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, 1)
    return (pickle.loads(data) if data else None), descriptors


def send(control: socket.socket, message: NamedTuple, *descriptors: int) -> None:
    """Sends a message, and file descriptors with it.

    Raises:
      ValueError: the message is too long.
    """
    data = pickle.dumps(message)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{type(message).__name__} has {len(data):,} bytes, at most {_MOST_BYTES:,} can be sent")
    socket.send_fds(control, [data], descriptors)
