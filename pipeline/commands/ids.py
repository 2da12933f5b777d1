"""Ids on the command line: one for each option, since an id may contain any character, commas too."""

import argparse
import shlex
from collections.abc import Callable, Collection, Sequence

from schemas.errors import DataError


def one_id(text: str) -> str:
    """The type of an option that takes an id; space around it is removed, as from the ids in files."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"an id is expected, got {text!r}")
    return text.strip()


def refuse_joined(option: str, given: Sequence[str], read_known: Callable[[], Collection[str]]) -> None:
    """Refuses several ids in one value, joined by commas.

    Args:
      option: its name.
      given: its values.
      read_known: returns all ids; called if it is needed.

    Raises:
      DataError: a value is no id, but all its parts are.
    """
    joined = [value for value in given if "," in value]
    known = read_known() if joined else ()
    for value in joined:
        parts = [part.strip() for part in value.split(",")]
        if value not in known and all(part in known for part in parts):
            repeated = " ".join(f"{option} {shlex.quote(part)}" for part in parts)
            raise DataError(f"{option}: no item has the id {value!r}, but its parts are ids; write: {repeated}")
