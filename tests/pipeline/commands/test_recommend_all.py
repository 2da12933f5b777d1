import errno
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.batch.known_users import KnownUsers
from pipeline.commands import recommend
from recommendations import assert_same


def call(version: Path, output: Path, *more: str) -> int:
    return recommend.main(["--all", "--model", str(version.parent), "--output", str(output), *more])


def test_one_file_holds_what_the_newest_version_recommends_to_all(version, tmp_path, capsys):
    output = tmp_path / "recs.parquet"
    assert call(version, output, "--k", "5") == 0
    [expected] = KnownUsers(version, 5).tables(0, 23, lambda done: None)
    assert_same(pq.read_table(output), expected)
    shown = capsys.readouterr().err
    assert "loading the model" in shown and "recs.parquet: version 17, 23 users x 5, in " in shown
    # The default of --k is that of [batch], more than there are items here.
    assert call(version, tmp_path / "all.parquet") == 0
    assert len(pq.read_table(tmp_path / "all.parquet")) > len(expected)
    assert sorted(os.listdir(tmp_path)) == ["all.parquet", "recs.parquet"]


def test_a_file_is_replaced_only_if_that_is_said(version, tmp_path, capsys):
    output = tmp_path / "recs.parquet"
    output.write_text("dear")
    assert call(version, output) == 2
    assert "recs.parquet: already exists; give --overwrite to replace it" in capsys.readouterr().err
    assert output.read_text() == "dear"
    assert call(version, output, "--overwrite", "--k", "1") == 0
    assert len(pq.read_table(output)) == 22


@pytest.mark.parametrize(
    ("place", "expected"), [("", "not a file; --output names the file"), ("gone/recs.parquet", "gone: no such folder")]
)
def test_where_no_file_can_be_is_one_clear_error(version, tmp_path, place, expected, capsys):
    assert call(version, tmp_path / place) == 2
    assert expected in capsys.readouterr().err


def test_a_full_disk_is_one_clear_error(version, tmp_path, monkeypatch, capsys):
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    assert call(version, tmp_path / "recs.parquet") == 2
    assert "recs.parquet: cannot be written: No space left on device; nothing was changed" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_device_is_never_replaced_by_a_file(version, tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert call(version, pipe, "--overwrite") == 2
    assert "pipe: not a file" in capsys.readouterr().err
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--all"], "--all needs --output"),
        (["--all", "--output", "x", "--user", "1", "--include-seen"], "--all does not go with --user, --include-seen"),
        (["--user", "1", "--output", "x"], "--output and --overwrite go with --all"),
        (["--user", "1", "--overwrite"], "--output and --overwrite go with --all"),
    ],
)
def test_options_that_do_not_go_together(arguments, expected, capsys):
    with pytest.raises(SystemExit) as caught:
        recommend.main(arguments)
    assert caught.value.code == 2
    assert expected in capsys.readouterr().err
