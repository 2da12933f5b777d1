"""The end of a process that may have loaded TensorFlow."""

import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """Ends the process without the interpreter's own shutdown, in which TensorFlow's objects print errors.

    Args:
      status: the exit status.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
