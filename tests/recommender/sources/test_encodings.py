"""Encodings by content."""

import io

import pytest

from recommender.sources.encodings import as_utf_8, find_encoding, is_byte_wise, mark_length, utf_8_reader
from schemas.errors import DataError

SPANISH = "usuario,título\nana,El laberinto del fauno \u2013 edición «única»\nluis,Amélie y el niño\n"
RUSSIAN = "Война и мир, Преступление и наказание, Мастер и Маргарита\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"plain,text\n", "utf-8"),
        (b"\xef\xbb\xbfa,b\n", "utf-8"),
        (SPANISH.encode(), "utf-8"),
        (SPANISH.replace("\u2013", "-").encode("latin-1"), "iso8859-1"),
        (SPANISH.encode("cp1252"), "cp1252"),
        (SPANISH.encode("utf-16"), "utf-16"),
        (SPANISH.encode("utf-16-le"), "utf-16-le"),
        (SPANISH.encode("utf-16-be"), "utf-16-be"),
        (SPANISH.encode("utf-32"), "utf-32"),
        (SPANISH.encode() * 20 + b"one bad \xff byte\n", "utf-8"),
        (b"", "utf-8"),
    ],
)
@pytest.mark.parametrize("size", [64, 1 << 20])
def test_the_encoding_is_found(content, encoding, size):
    assert find_encoding(io.BytesIO(content).read, size) == encoding


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
def test_a_text_of_another_script_is_recognised(encoding):
    found = find_encoding(io.BytesIO((RUSSIAN * 20).encode(encoding)).read)
    assert (RUSSIAN * 20).encode(encoding).decode(found) == RUSSIAN * 20


def test_bytes_that_are_not_ascii_may_come_late():
    content = b"a,b\n" * 100_000 + "ñandú,b\n".encode("latin-1")
    assert find_encoding(io.BytesIO(content).read, 1 << 10) == "iso8859-1"


@pytest.mark.parametrize(
    ("content", "length"), [(b"\xef\xbb\xbfa", 3), ("a".encode("utf-16"), 2), ("a".encode("utf-32"), 4), (b"a", 0)]
)
def test_the_byte_order_mark_is_measured(content, length):
    assert mark_length(content) == length


def test_only_text_whose_low_bytes_are_ascii_can_be_split():
    assert [name for name in ("utf-8", "latin-1", "cp1252", "koi8-r", "ascii") if not is_byte_wise(name)] == []
    assert [name for name in ("utf-16", "utf-32", "shift_jis", "gbk", "big5") if is_byte_wise(name)] == []


def test_bytes_that_utf_8_does_not_allow_stay():
    assert as_utf_8(b"a\xff", "utf-8") == b"a\xff"
    assert as_utf_8("ñ".encode("latin-1"), "latin-1") == "ñ".encode()
    assert as_utf_8(b"\x81", "cp1252").decode() == "\ufffd"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(SPANISH, "utf-16"), (SPANISH, "utf-32"), (SPANISH, "cp1252"), ("ドラマ,映画\n", "shift_jis"), (SPANISH, "utf-8")],
)
def test_text_is_converted_whatever_the_size_of_the_parts(text, encoding):
    read = utf_8_reader(io.BytesIO(text.encode(encoding)).read, encoding, "x.csv")
    assert b"".join(iter(lambda: read(3), b"")).decode() == text


def test_text_of_another_encoding_is_refused():
    read = utf_8_reader(io.BytesIO(b"a\x00\x00\xd8b\x00").read, "utf-16-le", "x.csv")
    with pytest.raises(DataError, match=r"x\.csv: not utf-16-le: .*set data\.encoding"):
        read(100)
