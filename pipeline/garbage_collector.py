"""Python's garbage collector while large libraries are imported, and afterwards.

TensorFlow, TFX and Beam make a million objects that stay until the process ends. CPython's collector traverses them
again and again without freeing any: a third of the time of the imports, a tenth of the time of every step.
"""

import contextlib
import gc
from collections.abc import Iterator

_THRESHOLDS = (100_000, 20, 20)
"""Allocations before a collection of the youngest objects, and how many collections of one generation before one of the
next. Python's own first number is 700, or 2,000 in newer releases."""


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Switches the collector off within the context, then exempts all objects that exist from collection."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()
