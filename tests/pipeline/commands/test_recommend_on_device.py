"""The pushed TFLite model, asked from the command line in processes of its own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_sequence_model import K, SmallSequenceModel, follower_scores, write

from components.on_device_exporter.trained import Trained
from components.on_device_exporter.variants import export
from pipeline.commands import recommend, recommend_on_device
from schemas import layout, on_device_record
from schemas.errors import DataError
from schemas.on_device_record import Index
from schemas.settings import OnDeviceSettings

NO_TENSORFLOW = """
import sys
from pipeline.commands import recommend
status = recommend.main(sys.argv[1:])
assert "ai_edge_litert.interpreter" in sys.modules
foreign = [name for name in sys.modules if name.split(".")[0] in ("tensorflow", "tfx", "apache_beam")]
sys.exit(status or ", ".join(foreign) or 0)
"""


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pushed version with a good model and a refused one."""
    base = tmp_path_factory.mktemp("serving")
    folder, summaries = base / "17" / layout.ON_DEVICE, []
    folder.mkdir(parents=True)
    for name, step in (("bad", 20), ("good", 1)):
        write(base / "trained" / name, SmallSequenceModel(follower_scores(step=step)))
        made = export(Trained(base / "trained" / name), folder, OnDeviceSettings(variants=("float32",)))
        summaries.append(on_device_record.summarize(made))
        (folder / summaries[-1].description).write_text(made.model_dump_json())
    (folder / "items.json").write_text((base / "trained" / "good" / "items.json").read_text())
    (folder / "on_device.json").write_text(Index(models=tuple(summaries)).model_dump_json())
    return base / "17"


def _run(*arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", NO_TENSORFLOW, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_prints_titles_without_tensorflow(version: Path) -> None:
    arguments = [
        "--model",
        str(version.parent),
        "--on-device",
        "--history",
        "i7",
        "--history",
        "none",
        "--history",
        "i5",
        "--k",
        "3",
    ]
    shown = _run(*arguments)
    assert "History i7, none, i5, version 17 good.tflite" in shown
    assert [re.split(r"[│|]", line)[2:4] for line in shown.splitlines() if "Title" in line] == [
        [f" {id_:<4} ", f" Title {id_} "] for id_ in ("i6", "i8", "i9")
    ]
    assert "1 of the 3 items of the history are not known" in shown and "Not known: none" in shown
    answer = json.loads(_run(*arguments, "--json"))
    assert answer["version"] == "17" and answer["on_device"] == "good.tflite" and answer["unknown_ids"] == ["none"]
    assert [item["item_id"] for item in answer["items"]] == ["i6", "i8", "i9"]
    assert answer["items"][0] == {"item_id": "i6", "title": "Title i6", "score": pytest.approx(64.05)}


def test_one_model_is_asked_for_by_its_name(version: Path) -> None:
    assert recommend_on_device.ask(version, "good", ["i40"], K)["items"][0]["item_id"] == "i1"
    with pytest.raises(DataError, match="no on-device model 'other'; there are: bad, good"):
        recommend_on_device.ask(version, "other", ["i1"], 3)
    with pytest.raises(DataError, match=r"no file that takes ids was exported of bad \(bad: expected recall@10 above"):
        recommend_on_device.ask(version, "bad", ["i1"], 3)


def test_ids_of_any_bytes_are_merely_unknown(version: Path, capfd: pytest.CaptureFixture) -> None:
    arguments = ["--model", str(version.parent), "--on-device", "--history", "\udcff", "--history", "i7", "--k", "1"]
    assert recommend.main(arguments) == 0
    shown = capfd.readouterr().out
    assert "History ?, i7" in shown and "Title i8" in shown and "Not known: ?" in shown


def test_ids_joined_by_commas_are_refused_with_the_right_command(version: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = ["--model", str(version.parent), "--on-device", "--history", "i3", "--history", "i7, i5"]
    assert recommend.main(arguments) == 2
    assert (
        "no item has the id 'i7, i5', but its parts are ids; write: --history i7 --history i5"
        in capsys.readouterr().err
    )


def test_more_items_than_it_returns_are_refused(version: Path) -> None:
    with pytest.raises(DataError, match=r"good\.tflite returns 12 items, got k = 13"):
        recommend_on_device.ask(version, None, ["i1"], 13)


def test_a_model_that_reads_ratings_is_not_asked_with_made_up_ones(version: Path, tmp_path: Path) -> None:
    shutil.copytree(version, tmp_path / "17")
    description = tmp_path / "17" / layout.ON_DEVICE / "good.json"
    record = json.loads(description.read_text())
    inputs = record["variants"][0]["signatures"]["recommend_ids"]["inputs"]
    inputs["history_rating"] = inputs["history_item_id"] | {"dtype": "float32"}
    description.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"good\.tflite reads the ratings of a history, for which there is no option"):
        recommend_on_device.ask(tmp_path / "17", None, ["i1"], 3)


@pytest.mark.parametrize("file", ["good.tflite", "good.json", "items.json", "on_device.json"])
def test_a_file_that_is_broken_is_said(version: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(version, tmp_path / "17")
    (tmp_path / "17" / layout.ON_DEVICE / file).write_text("{")
    with pytest.raises(DataError, match="files are missing or cannot be read"):
        recommend_on_device.ask(tmp_path / "17", None, ["i1"], 3)


def test_without_an_on_device_model_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "17").mkdir()
    assert recommend.main(["--on-device", "--history", "1", "--model", str(tmp_path)]) == 2
    assert "17: no on-device model in this version; add some in [on_device]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--on-device"], "--on-device needs --history"),
        (["--on-device", "--history", "1", "--user", "2"], "--on-device does not go with --user"),
        (["--on-device", "--history", "1", "--genre", "Drama"], "--on-device does not go with --genre"),
        (["--on-device-name", "bow", "--history", "1"], "--on-device-name goes with --on-device"),
    ],
)
def test_what_does_not_go_together_is_said(arguments: list[str], words: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        recommend.main(arguments)
    assert words in capsys.readouterr().err
