"""Where an approximate index is stored in a pushed version, and why one cannot be built."""

from importlib.util import find_spec

KINDS = ("ivf", "scann")

_FOLDER = "assets.extra/index"


def folder(kind: str) -> str:
    """The index's SavedModel, relative to the version's folder."""
    return f"{_FOLDER}/{kind}"


def description_file(kind: str) -> str:
    """The JSON that says how the index was made, what it measured and whether it was exported."""
    return f"{_FOLDER}/{kind}.json"


def why_unavailable(kind: str) -> str | None:
    """One sentence if this environment lacks the package that an index of this kind needs, otherwise None."""
    if kind != "scann" or find_spec("scann") is not None:
        return None
    reason = "the package scann, which has no build for this TensorFlow, is missing"
    return f'index.kind = "scann": {reason}; set index.kind = "ivf"'
