"""`atalaya inspect` on real files, without TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from pipeline.commands import main as atalaya
from pipeline.commands.inspect import main
from schemas.settings import load

ROOT = Path(__file__).parents[3]
ROWS = "".join(f"u{n % 25};x{n % 13};{1 + n % 5};{1_600_000_000 + 3_600 * n}\n" for n in range(200))
RATINGS = f"user_id;item_id;rating;timestamp\n{ROWS}"
ITEMS = "item_id,title,genres\n" + "".join(f"x{n},Title {n},Drama|Comedy\n" for n in range(13))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "items.csv").write_text(ITEMS)
    return tmp_path


def inspect(*arguments: str) -> int:
    return main(list(arguments), prog="atalaya inspect")


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    inspect(*arguments, "--json")
    return json.loads(capsys.readouterr().out)


EXPECTED = {
    "format": "csv",
    "encoding": "utf-8",
    "delimiter": ";",
    "header": True,
    "columns": {"user": "user_id", "item": "item_id", "rating": "rating", "timestamp": "timestamp"},
    "rows": 200,
    "accepted": 200,
    "rejected": 0,
    "reasons": {},
    "users": 25,
    "items": 13,
    "first": "2020-09-13T12:26:40Z",
    "last": "2020-09-21T19:26:40Z",
    "rating": {"min": 1.0, "max": 5.0, "mean": 3.0},
    "events": None,
    "repeats": 0,
    "described_items": 13,
    "suspicions": [],
}


def test_json_is_one_object_with_all_that_was_found(capsys):
    assert inspect("ratings.csv", "--items", "items.csv", "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == EXPECTED and printed.err == ""


def test_columns_without_a_header_are_numbers_and_parquet_has_no_delimiter(capsys, folder):
    (folder / "ratings.csv").write_text(ROWS)
    found = as_json(capsys, "ratings.csv")
    assert found["header"] is False and found["columns"] == {"user": 1, "item": 2, "rating": 3, "timestamp": 4}
    (folder / "events.jsonl").write_text('{"user": "a", "item": "x", "event": "view"}\n' * 30)
    found = as_json(capsys, "events.jsonl")
    assert (found["format"], found["delimiter"], found["encoding"]) == ("jsonl", None, "utf-8")
    assert found["events"] == {"view": 30} and found["rating"] is found["first"] is found["last"] is None


def test_the_screen_says_what_is_what_and_why(capsys):
    assert inspect("ratings.csv", "--items", "items.csv") == 0
    words = " ".join(capsys.readouterr().out.split())
    for said in (
        "ratings.csv: CSV, utf-8, delimiter ';', a header",
        "user column 'user_id' (by its name)",
        "timestamp column 'timestamp' (by its name), format unix",
        "200, of which 200 are used",
        "25 users, 13 items, 8.0 events a user, 0 repeats",
        "2020-09-13T12:26:40Z to 2020-09-21T19:26:40Z",
        "1 to 5, mean 3",
        "it has 13 of the 13 rated items",
        "2: Drama 13, Comedy 13",
    ):
        assert said in words


def test_rejects_and_suspicions_are_shown_with_their_place(capsys, folder):
    (folder / "ratings.csv").write_text(RATINGS + "u1;x1;good;5\nU2;x1;3;1600000000\n")
    assert inspect("ratings.csv") == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "1 rejected: rating is not a finite number: 'good' (first in ratings.csv, line 202)" in words
    assert "warning user-spellings: 2 user ids are 1 names" in words


def test_several_files_and_a_pattern_are_one_log(capsys, folder):
    (folder / "part-1.csv").write_text(RATINGS)
    (folder / "part-2.csv").write_text(RATINGS.replace("u", "v").replace("vser", "user"))
    assert as_json(capsys, "part-1.csv", "part-2.csv") == as_json(capsys, "part-*.csv")
    assert as_json(capsys, "part-*.csv")["users"] == 50


@pytest.mark.parametrize("with_items", [False, True])
def test_written_settings_run_as_they_are(capsys, folder, with_items):
    items = ["--items", "items.csv"] if with_items else []
    assert inspect("ratings.csv", *items, "--write", "my.toml") == 0
    assert capsys.readouterr().out.rstrip().endswith("written: my.toml")
    tree = tomli.loads((folder / "my.toml").read_text())
    assert tree["data"]["columns"] == {**EXPECTED["columns"], "event": ""}
    assert tree["data"]["delimiter"] == ";" if not with_items else "delimiter" not in tree["data"]
    found = as_json(capsys, "--config", "my.toml")
    assert (
        found == as_json(capsys, "ratings.csv", *items, "--config", "my.toml") == as_json(capsys, "ratings.csv", *items)
    )


def test_a_config_stands_above_what_is_found(capsys, folder):
    (folder / "my.toml").write_text(
        'name = "x"\n[data]\nfolder = "elsewhere"\n[data.columns]\nuser = "item_id"\nitem = "user_id"\nrating = ""\n'
    )
    found = as_json(capsys, "ratings.csv", "--config", "my.toml")
    assert found["columns"] == {"user": "item_id", "item": "user_id", "timestamp": "timestamp"}
    assert (found["users"], found["items"]) == (13, 25)


def test_the_default_items_file_of_a_config_is_used_if_it_exists(capsys, folder):
    (folder / "my.toml").write_text('name = "x"\n[data]\nfolder = "."\n')
    assert as_json(capsys, "ratings.csv", "--config", "my.toml")["described_items"] > 0
    (folder / "items.csv").unlink()
    assert as_json(capsys, "ratings.csv", "--config", "my.toml")["described_items"] == 0


def test_written_settings_keep_the_other_sections_of_a_config(folder):
    sections = """
[split]
method = "time"
[gate.thresholds.rmse]
at_most = 2.0
[[on_device.models]]
name = "small"
[on_device.models.features]
item = { length = 10 }
[[on_device.models]]
name = "cnn"
encoder = "cnn"
"""
    (folder / "my.toml").write_text('name = "x"\n[data]\nfolder = "."\nitems = ""\n' + sections)
    assert inspect("--config", "my.toml", "--write", "new.toml") == 0
    old, new = load(folder / "my.toml"), load(folder / "new.toml")
    assert new.model_copy(update={"data": old.data}) == old


def test_columns_of_one_name_are_written_by_number(folder):
    rows = "".join(f"u{n % 7},x{n % 5},{n % 4},{1_600_000_000 + n}\n" for n in range(100))
    (folder / "twice.csv").write_text(f"user,item,x,x\n{rows}")
    (folder / "my.toml").write_text('name = "x"\n[data]\nfolder = "."\n[data.columns]\nrating = 3\ntimestamp = 4\n')
    assert inspect("twice.csv", "--config", "my.toml", "--write", "new.toml") == 0
    columns = load(folder / "new.toml").data.columns
    assert (columns.user, columns.rating, columns.timestamp) == ("user", 3, 4)


def test_a_file_that_cannot_be_written_is_named(capsys, folder):
    assert inspect("ratings.csv", "--write", "absent/my.toml") == 2
    assert "absent/my.toml: cannot be written: No such file" in capsys.readouterr().err


def test_data_that_a_run_would_refuse_end_with_status_2_and_are_not_written(capsys, folder):
    (folder / "ratings.csv").write_text(RATINGS + "u1;x1;good;5\n" * 5)
    assert inspect("ratings.csv", "--write", "my.toml") == 2
    printed = capsys.readouterr().out
    assert "error too-many-rejects" in printed and "my.toml was not written: fix the errors" in printed
    assert not (folder / "my.toml").exists()
    assert as_json(capsys, "ratings.csv")["suspicions"][0]["severity"] == "error"
    assert inspect("ratings.csv", "--json") == 2


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("", ["ratings.csv"], "ratings.csv: the file is empty"),
        (RATINGS, ["absent.csv"], "absent.csv: no such file"),
        (RATINGS, ["."], "a folder"),
        (RATINGS, ["ratings.csv", "--config", "absent.toml"], "absent.toml: cannot be read"),
        (RATINGS, ["ratings.csv", "--items", "absent.csv"], "absent.csv: no such file"),
        ("user,item\x1b[31m\nx\x07\n1\n", ["ratings.csv"], "'\\x1b[31m"),
    ],
)
def test_what_cannot_be_read_ends_with_status_2_and_one_message(capsys, folder, content, arguments, words):
    (folder / "ratings.csv").write_text(content)
    assert inspect(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and words.strip("'") in printed.err
    assert all(sign.isprintable() or sign == "\n" for sign in printed.err)


def test_no_files_and_no_config_are_a_wrong_call(capsys):
    with pytest.raises(SystemExit) as ended:
        inspect()
    assert ended.value.code == 2
    assert "expected files of ratings or events, or --config" in capsys.readouterr().err


def test_it_is_a_command_of_atalaya(capsys):
    assert atalaya.main(["inspect", "ratings.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 200


def test_the_module_runs_without_tensorflow(folder):
    program = (
        "import runpy, sys\nsys.argv[1:] = ['ratings.csv', '--items', 'items.csv', '--json']\n"
        "try:\n    runpy.run_module('pipeline.inspect', run_name='__main__')\n"
        "except SystemExit as ended:\n    assert ended.code == 0, ended.code\n"
        "print({'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    found, heavy = process.stdout.splitlines()
    assert json.loads(found) == EXPECTED and heavy == "set()"
