"""Names that differ only in letter case, spaces, the encoding of accents, or characters that are not visible."""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

_NOT_VISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+")


def spelling_key(name: str) -> str:
    """Returns what names have in common that differ only in the ways above."""
    if name.isascii():
        return "".join(name.split()).lower()
    return unicodedata.normalize("NFC", _NOT_VISIBLE.sub("", name)).casefold() or name


def same_names(counts: Mapping[str, int]) -> list[list[str]]:
    """Returns groups of names that are spelled in several ways, the most frequent spelling first.

    Args:
      counts: number of events by name.
    """
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(spelling_key(name), []).append(name)
    return [sorted(group, key=lambda name: (-counts[name], name)) for group in groups.values() if len(group) > 1]


class Spellings(NamedTuple):
    """by_key: the spelling to show, by `spelling_key`."""

    by_key: dict[str, str]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Spellings":
        """Chooses the most frequent spelling of each name; `counts` are numbers of events."""
        chosen: dict[str, str] = {}
        for name in sorted(counts, key=lambda name: (-counts[name], name)):
            chosen.setdefault(spelling_key(name), name)
        return cls(chosen)

    def shown(self, name: str) -> str:
        """Returns the spelling to show of a name."""
        return self.by_key.get(spelling_key(name), name)
