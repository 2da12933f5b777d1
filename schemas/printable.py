"""Text from data on a terminal."""

import re

_OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
"""Control characters and those that change the direction or the width of a line. Joiners are part of some scripts."""


def printable(text: str) -> str:
    """Returns the text with characters that a terminal would obey, except line ends, as escapes that can be seen."""
    return _OBEYED.sub(lambda sign: repr(sign[0])[1:-1], text)
