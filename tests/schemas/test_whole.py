import os
from pathlib import Path

import pytest

from schemas.whole import PARTIAL, whole


def test_a_file_is_replaced_at_the_end_of_the_block(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with whole(tmp_path / "a") as partial:
        partial.write_text("new")
        assert (tmp_path / "a").read_text() == "old"
        assert partial.parent == tmp_path and partial.name.startswith(PARTIAL)
    assert (tmp_path / "a").read_text() == "new" and os.listdir(tmp_path) == ["a"]


def test_a_folder_appears_with_all_its_files(tmp_path: Path) -> None:
    with whole(tmp_path / "a") as partial:
        (partial / "b").mkdir(parents=True)
        (partial / "b" / "c").write_text("text")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a" / "b" / "c").read_text() == "text" and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_after_an_error_nothing_is_left(tmp_path: Path, is_folder: bool) -> None:
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a") as partial:
        if is_folder:
            partial.mkdir()
            (partial / "b").write_text("text")
        else:
            partial.write_text("text")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(tmp_path):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    with whole(tmp_path / "a") as partial:
        partial.write_text("text")
    assert (tmp_path / "a").read_text() == "text"


def test_the_content_is_on_disk_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done, replace = [], Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append(os.readlink(f"/proc/self/fd/{descriptor}")))

    def recorded(source: Path, target: Path) -> None:
        done.append("rename")
        replace(source, target)

    monkeypatch.setattr(Path, "replace", recorded)
    with whole(tmp_path / "a") as partial:
        partial.mkdir()
        (partial / "b").write_text("text")
    assert done == [str(partial / "b"), str(partial), "rename", str(tmp_path)]
