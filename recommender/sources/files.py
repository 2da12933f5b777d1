"""The files that the settings name, on this machine or at an address such as `gs://bucket/folder`."""

import glob
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow.fs

_SPECIAL = frozenset("*?[")


def find_files(folder: str | Path, pattern: str) -> list[str]:
    """Finds files by their name below a folder.

    Args:
      folder: taken literally, except for a `~` at its start; or an address.
      pattern: a name that exists is that file; otherwise `*`, `?` and `[...]` match within one name of the path, and
        match no name that begins with a dot.

    Returns:
      Sorted paths or addresses, each with `folder` in front; on this machine, folders that match are among them.

    Raises:
      OSError: the address cannot be reached.
    """
    base = os.path.expanduser(str(folder))
    if "://" in base:
        return _find_remote(base, pattern)
    path = os.path.join(base, pattern)
    if os.path.lexists(path):
        return [path]
    return sorted(glob.glob(os.path.join(glob.escape(base), pattern)))


def open_file(path: str) -> BinaryIO:
    """Opens a file that `find_files` found for reading; it can be seeked.

    Raises:
      OSError: it cannot be read.
    """
    if "://" not in path:
        return open(path, "rb")
    system, place = _located(path)
    return cast(BinaryIO, system.open_input_file(place))


def _find_remote(folder: str, pattern: str) -> list[str]:
    system, base = _located(folder)
    address = folder.rstrip("/")
    if system.get_file_info(f"{base}/{pattern}").type == pyarrow.fs.FileType.File:
        return [f"{address}/{pattern}"]
    names = pattern.split("/")
    fixed = next((depth for depth, name in enumerate(names) if _SPECIAL & set(name)), len(names) - 1)
    start = "/".join([base, *names[:fixed]])
    below = pyarrow.fs.FileSelector(start, allow_not_found=True, recursive=fixed < len(names) - 1)
    found = [info.path for info in system.get_file_info(below) if info.type == pyarrow.fs.FileType.File]
    return sorted(address + path.removeprefix(base) for path in found if _fits(path.removeprefix(base)[1:], names))


def _fits(path: str, pattern: list[str]) -> bool:
    names = path.split("/")
    return len(names) == len(pattern) and all(
        fnmatchcase(name, wanted) and (wanted.startswith(".") or not name.startswith("."))
        for name, wanted in zip(names, pattern, strict=True)
    )


def _located(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path there. Only the host is read as a URI, which would escape signs."""
    scheme, _, rest = address.partition("://")
    host, _, path = rest.partition("/")
    system, base = pyarrow.fs.FileSystem.from_uri(f"{scheme}://{host}/")
    return system, f"{base.rstrip('/')}/{path}".rstrip("/")
