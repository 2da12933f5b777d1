"""A fingerprint of the data files, by which a run can see that they are unchanged."""

import hashlib
from collections.abc import Mapping

from recommender.sources.files import find_files, open_file
from schemas.settings import DataSettings

_AT_ONCE = 1 << 20
"""Bytes of a file in memory."""


def named_patterns(data: DataSettings) -> dict[str, str]:
    """The files' patterns by name: `ratings`, `ratings-1`, ... and, if there is a file of them, `items`."""
    patterns = {f"ratings-{number}" if number else "ratings": text for number, text in enumerate(data.ratings_patterns)}
    return patterns | ({"items": data.items} if data.items else {})


def fingerprint(folder: str, patterns: Mapping[str, str]) -> str:
    """SHA-256, in hexadecimal digits, of the names and contents of all files.

    Args:
      folder: of the files; or an address.
      patterns: of the files below the folder, by name; the names count too.

    Raises:
      OSError: a file cannot be read.
    """
    whole = hashlib.sha256()
    for name, pattern in patterns.items():
        for path in find_files(folder, pattern):
            whole.update(f"{name}\0{path.removeprefix(folder)}\0".encode(errors="surrogateescape"))
            whole.update(_digest(path))
    return whole.hexdigest()


def _digest(path: str) -> bytes:
    digest = hashlib.sha256()
    with open_file(path) as stream:
        while piece := stream.read(_AT_ONCE):
            digest.update(piece)
    return digest.digest()
