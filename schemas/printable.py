"""Text from data on a terminal."""


def printable(text: str) -> str:
    """Returns the text with every character that is not printable, but line ends, as a visible escape such as `\\x1b`."""
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)
