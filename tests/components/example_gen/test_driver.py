"""The driver on real files, through TFX's own `run`: what it hands to the cache and to the executor."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tfx.orchestration.portable.data_types import ExecutionInfo
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.example_gen.component import RatingsExampleGen
from components.example_gen.driver import Driver
from schemas.errors import DataError
from schemas.settings import Settings


def _run(folder: Path, **data: Any) -> tuple[str, dict[str, str], str]:
    """The fingerprint, the patterns by split, and the folder."""
    settings = Settings.model_validate({"name": "shop", "data": {"folder": str(folder), "items": "", **data}})
    properties = {
        name: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
        for name, value in RatingsExampleGen(settings, code_version="1").spec.exec_properties.items()
    }
    outputs = {"examples": [standard_artifacts.Examples()]}
    output = Driver(None).run(ExecutionInfo(exec_properties=properties, output_dict=outputs))
    [examples] = output.output_artifacts["examples"].artifacts
    fingerprint = output.exec_properties["input_fingerprint"].string_value
    assert examples.custom_properties["input_fingerprint"].string_value == fingerprint
    splits = json.loads(output.exec_properties["input_config"].string_value)["splits"]
    return (
        fingerprint,
        {split["name"]: split["pattern"] for split in splits},
        output.exec_properties["input_base"].string_value,
    )


def _write(path: Path, text: str, changed: float = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (changed, changed))


def test_the_content_and_the_name_of_a_file_count_and_its_time_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    _write(path, "first")
    first, _, _ = _run(tmp_path, ratings="*.csv")
    _write(path, "first", changed=9e8)
    assert _run(tmp_path, ratings="*.csv")[0] == first
    _write(path, "other", changed=9e8)
    other, _, _ = _run(tmp_path, ratings="*.csv")
    path.rename(tmp_path / "r.csv")
    assert len({first, other, _run(tmp_path, ratings="*.csv")[0]}) == 3


def test_each_pattern_of_a_list_is_a_split(tmp_path: Path) -> None:
    for name in ("a.csv", "b-1.csv", "b-2.csv", "items.csv"):
        _write(tmp_path / name, name)
    given = {"ratings": ("a.csv", "b-*.csv"), "items": "items.csv"}
    fingerprint, patterns, _ = _run(tmp_path, **given)
    assert patterns == {"ratings": "a.csv", "ratings-1": "b-*.csv", "items": "items.csv"}
    for name in ("a.csv", "b-2.csv", "items.csv"):
        _write(tmp_path / name, "changed")
        before, (fingerprint, _, _) = fingerprint, _run(tmp_path, **given)
        assert fingerprint != before, name


@pytest.mark.parametrize(("spans", "found"), [("{SPAN}", "10"), ("{SPAN:2}", "10"), ("{YYYY}-{MM}-{DD}", "2021-02-01")])
def test_the_latest_span_is_chosen_below_a_folder_with_special_characters(
    tmp_path: Path, spans: str, found: str
) -> None:
    folder = tmp_path / "my data [2021] (über) *"
    numbers = ("2021-01-31", "2021-02-01") if "YYYY" in spans else ("09", "10")
    for number in numbers:
        _write(folder / f"span-{number}" / "ratings.csv", number)
    _, patterns, base = _run(folder, ratings=f"span-{spans}/ratings.csv")
    assert (patterns, base) == ({"ratings": f"span-{found}/ratings.csv"}, str(folder))


def test_without_a_span_in_common_the_settings_are_named(tmp_path: Path) -> None:
    _write(tmp_path / "span-1" / "ratings.csv", "")
    _write(tmp_path / "span-2" / "items.csv", "")
    with pytest.raises(DataError, match=r"fix data\.folder, data\.ratings or data\.items"):
        _run(tmp_path, ratings="span-{SPAN}/ratings.csv", items="span-{SPAN}/items.csv")
