"""Byte order marks and their absence."""

import pytest

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
