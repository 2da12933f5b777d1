"""The kinds of approximate index, and what is missing where one cannot be built."""

from importlib.util import find_spec

KINDS = ("ivf", "scann")


def why_unavailable(kind: str) -> str | None:
    """One sentence if this environment lacks the package that an index of this kind needs, otherwise None."""
    if kind != "scann" or find_spec("scann") is not None:
        return None
    reason = "the package scann, which has no build for this TensorFlow, is missing"
    return f'index.kind = "scann": {reason}; set index.kind = "ivf"'
