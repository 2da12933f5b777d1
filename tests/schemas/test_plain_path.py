from pathlib import Path

import pytest

from schemas.plain_path import plainly_named, special


def test_a_plain_folder_is_named_as_it_is(tmp_path: Path) -> None:
    with plainly_named(tmp_path / "my data (über) ~1") as path:
        assert path == tmp_path / "my data (über) ~1"


@pytest.mark.parametrize("name", ["[2021]", "a*", "a?", "a\\b", "{SPAN}"])
def test_another_one_has_a_link_for_as_long_as_it_is_needed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "file").write_text("content")
    with plainly_named(folder) as path:
        assert not special(path) and (path / "file").read_text() == "content"
    assert not path.exists() and (folder / "file").exists()


def test_a_relative_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "[x]").mkdir()
    monkeypatch.chdir(tmp_path)
    with plainly_named("[x]") as path:
        assert path.samefile(tmp_path / "[x]")
