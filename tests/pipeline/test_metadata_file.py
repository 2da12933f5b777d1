import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from pipeline import metadata_file
from schemas.errors import DataError, SettingsError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of several pages, in a folder whose name is no valid part of a URI."""
    path = tmp_path / "my data? #1 [%20]" / "metadata.sqlite"
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE artifacts (uri TEXT)")
        database.executemany("INSERT INTO artifacts VALUES (?)", [("x" * 100,)] * 1_000)
    return path


def test_a_whole_file_passes_and_is_left_alone(path: Path) -> None:
    before = path.read_bytes()
    metadata_file.check(path)
    assert path.read_bytes() == before and [one.name for one in path.parent.iterdir()] == [path.name]


def test_no_file_and_an_empty_one_pass(tmp_path: Path) -> None:
    metadata_file.check(tmp_path / "metadata.sqlite")
    assert not (tmp_path / "metadata.sqlite").exists()
    (tmp_path / "metadata.sqlite").touch()
    metadata_file.check(tmp_path / "metadata.sqlite")


@pytest.mark.parametrize("begin", [0, 4096])
def test_a_damaged_file_is_named_as_such(path: Path, begin: int) -> None:
    content = bytearray(path.read_bytes())
    content[begin : begin + 4096] = b"\x55" * 4096
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"metadata\.sqlite: damaged: .*; restore it or rename it"):
        metadata_file.check(path)


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be used: unable to open database file"):
        metadata_file.check(tmp_path)


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_file_is_waited_for(path: Path, lock: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute(f"BEGIN {lock}")
    with pytest.raises(SettingsError, match=r"metadata\.sqlite: still locked by another program after 0 s; end"):
        metadata_file.check(path, wait=0)
    release = threading.Timer(0.05, other.close)
    release.start()
    metadata_file.check(path, wait=60)
    release.join()
    assert capsys.readouterr().err == f"{path}: locked by another program; waiting for it, at most 60 s\n"
