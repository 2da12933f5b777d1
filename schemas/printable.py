"""Text from data on a terminal."""


def printable(text: str) -> str:
    """Returns the text with characters that are not printable, but not line ends, as escapes that can be seen."""
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)
