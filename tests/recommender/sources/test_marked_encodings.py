"""Byte order marks, their absence, and encodings that the first megabytes do not show."""

import io

import pytest

from recommender.sources.encodings import find_encoding
from recommender.sources.profile import profile
from schemas.settings import DataSettings

TEXT = "пользователь;товар;rating\n" + "".join(f"Анна {n % 5};Книга {n % 7};{n % 4}\n" for n in range(70))


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8-sig", "utf-8-sig"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("auto", "utf-16-le"),
        ("auto", "utf-16-be"),
    ],
)
def test_every_row_is_read_with_and_without_a_mark(tmp_path, encoding, written):
    path = tmp_path / "ratings.csv"
    path.write_bytes(TEXT.encode(written))
    columns = {"user": "пользователь", "item": "товар"}
    found = profile([str(path)], [], DataSettings(folder=tmp_path, encoding=encoding, columns=columns))
    assert (found.accepted, len(found.users), len(found.rated)) == (70, 5, 7)
    assert set(found.users.index) == {f"Анна {n}" for n in range(5)}


def test_letters_of_another_script_are_judged_apart_from_a_latin_beginning():
    russian = "".join(f"{n};Книга {n % 7};5\n" for n in range(100))
    text = io.BytesIO(("u1;plain item;5\n" * 200 + russian).encode("cp1251"))
    assert find_encoding(text.read) == "cp1251"


def test_signs_that_encodings_share_are_windows_1252():
    assert find_encoding(io.BytesIO("7;“5” €6\n".encode("cp1252") * 100).read) == "cp1252"
