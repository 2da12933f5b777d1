"""Addresses in Cloud Storage where the settings hold a folder.

A plain path makes one slash of the two in `gs://`. The class relies on two insides of Python: `PosixPath` can be
subclassed, and whatever writes a path as text, pydantic included, calls `__str__`.
"""

from pathlib import PosixPath

STORAGE = "gs://"


class CloudFolder(PosixPath):
    """An address without its `gs://`; as text, the address with it."""

    def __str__(self) -> str:
        return STORAGE + super().__str__()
