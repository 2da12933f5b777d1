"""Names that differ only in letter case, spaces, the encoding of accents, or characters that are not visible."""

import re
import unicodedata

import pandas as pd

_NOT_VISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")


def spelling_key(name: str) -> str:
    """Returns what names have in common that differ only in the ways above."""
    if name.isascii():
        return "".join(name.split()).lower()
    return unicodedata.normalize("NFC", _NOT_VISIBLE.sub("", name)).casefold() or name


def same_names(counts: pd.Series) -> list[list[str]]:
    """Returns groups of names that are spelled in several ways, the most frequent spelling first.

    Args:
      counts: number of events by name.
    """
    groups: dict[str, list[str]] = {}
    for name in counts.index:
        groups.setdefault(spelling_key(name), []).append(name)
    return [sorted(group, key=lambda name: (-counts[name], name)) for group in groups.values() if len(group) > 1]


def canonical_spellings(counts: pd.Series) -> dict[str, str]:
    """Returns the most frequent spelling by each other one."""
    return {other: group[0] for group in same_names(counts) for other in group[1:]}
