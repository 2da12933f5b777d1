"""The end of a process that may have loaded TensorFlow."""

import contextlib
import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """Ends the process without the interpreter's own shutdown, in which TensorFlow's objects print errors.

    Args:
      status: the exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        # A closed stream is None. If its reader has gone or the disk is full, there is nothing left to do.
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.flush()
    os._exit(status)
