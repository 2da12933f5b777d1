"""Ports of this machine, for servers that a test starts."""

import contextlib
import socket


def free(number: int) -> list[int]:
    """Returns different free ports."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def listens(port: int) -> bool:
    """Returns whether a process listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=2):
        return True
    return False
