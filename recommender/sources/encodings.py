"""The encoding of a text file, and its text as UTF-8."""

import codecs
from collections.abc import Callable

import charset_normalizer

from schemas.errors import DataError

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""In this order: that of UTF-32 begins with that of UTF-16."""
_SINGLE_BYTE = ("iso8859", "cp125", "koi8", "mac", "cp437", "cp85", "latin", "ascii", "utf-8", "utf_8")
_OTHER_SCRIPT = 0.3
"""Share of bytes above ASCII among letters, in lines with such bytes, from which the script is probably not Latin."""
_FEWEST_OF_OTHER_SCRIPT = 30
_INVALID_FOR_EACH_VALID = 0.1
_FREQUENT_NUL, _NUL_ON_OTHER_SIDE = 0.2, 0.1


def find_encoding(read: Callable[[int], bytes], size: int = 1 << 20) -> str:
    """Returns the name of an encoding by the first bytes that are not ASCII; reads up to them.

    Args:
      read: reads at most a number of bytes.
      size: number of bytes looked at together.
    """
    head = read(size)
    for mark, name in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return name
    if wide := _without_mark(head):
        return wide
    while head:
        if not head.isascii():
            return _of_bytes(head + read(size))
        head = read(size)
    return "utf-8"


def mark_length(head: bytes) -> int:
    """Returns the length of the byte order mark at the start, 0 without one."""
    return next((len(mark) for mark in BYTE_ORDER_MARKS if head.startswith(mark)), 0)


def is_byte_wise(encoding: str) -> bool:
    """Whether every byte below 128 is the ASCII character, also within other characters, so that text can be split."""
    name = codecs.lookup(encoding).name
    return name.startswith(_SINGLE_BYTE)


def as_utf_8(data: bytes, encoding: str) -> bytes:
    """Converts whole text to UTF-8; what the encoding does not allow becomes U+FFFD, but in UTF-8 stays as it is."""
    return data if encoding in ("utf-8", "ascii") else data.decode(encoding, errors="replace").encode()


def utf_8_reader(read: Callable[[int], bytes], encoding: str, path: str) -> Callable[[int], bytes]:
    """Returns a function that reads about a number of bytes, converted to UTF-8; b"" at the end.

    Raises:
      DataError: from the function, if bytes are not of the encoding.
    """
    if encoding in ("utf-8", "ascii"):
        return read
    decoder = codecs.getincrementaldecoder(encoding)("strict" if not is_byte_wise(encoding) else "replace")

    def converted(size: int) -> bytes:
        while data := read(size):
            try:
                text = decoder.decode(data)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}: not {encoding}: {error.reason}; set data.encoding to the right encoding"
                ) from error
            if text:
                return text.encode(errors="replace")
        return b""

    return converted


def _without_mark(head: bytes) -> str | None:
    """Returns UTF-16's name if NUL, half of each of its Latin letters and digits, is frequent on one side alone."""
    even, odd = (head[start:4096:2].count(0) for start in (0, 1))
    frequent = _FREQUENT_NUL * min(len(head), 4096) / 2
    if odd > frequent and even < _NUL_ON_OTHER_SIDE * odd:
        return "utf-16-le"
    if even > frequent and odd < _NUL_ON_OTHER_SIDE * even:
        return "utf-16-be"
    return None


def _of_bytes(data: bytes) -> str:
    """Returns the encoding of bytes above ASCII; a character may be cut at the end."""
    text = data.decode("utf-8", errors="replace")
    invalid = text[:-1].count("\ufffd") - data.count("\ufffd".encode())
    valid = sum(map(text.count, {character for character in text if character > "\x7f"} - {"\ufffd"}))
    if invalid <= _INVALID_FOR_EACH_VALID * valid:
        return "utf-8"
    lines = b"\n".join(line for line in data.split(b"\n") if not line.isascii())
    high = [byte for byte in lines if byte > 127]
    letters = sum(byte > 127 or chr(byte).isalpha() for byte in lines)
    if len(high) > max(_FEWEST_OF_OTHER_SCRIPT, _OTHER_SCRIPT * letters):
        best = charset_normalizer.from_bytes(lines[:65536]).best()
        western = lines[:65536].decode(_western(high), errors="replace")
        if best is not None and best.encoding not in ("ascii", "utf_8") and str(best) != western:
            return codecs.lookup(best.encoding).name
    return _western(high)


def _western(high: list[int]) -> str:
    """Returns Latin-1, or Windows-1252 if there are signs that only this has."""
    is_windows = any(0x80 <= byte < 0xA0 for byte in high) and not {0x81, 0x8D, 0x8F, 0x90, 0x9D} & set(high)
    return "cp1252" if is_windows else "iso8859-1"
