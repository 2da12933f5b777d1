"""Files by the settings, and settings by files."""

from pathlib import Path

import pytest
from data_rows import data_settings

from recommender.sources.data_files import as_settings, locate
from schemas.errors import DataError
from schemas.settings import DataSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.csv", "items.csv", "x [1]/a.csv", "x [1]/items.csv", "span-1/a.csv", "span-2/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def located(folder: Path, **data: object) -> tuple[list[str], list[str]]:
    found = locate(DataSettings.model_validate({"folder": folder, "items": "", **data}))
    return [path.removeprefix(f"{folder}/") for path in found.ratings], [
        path.removeprefix(f"{folder}/") for path in found.items
    ]


def test_files_are_found_once_in_the_order_that_is_given(folder):
    assert located(folder, ratings=["b.csv", "[ab].csv"]) == (["b.csv", "a.csv"], [])
    assert located(folder, ratings="a.csv", items="items.csv") == (["a.csv"], ["items.csv"])
    assert located(folder, ratings="span-{SPAN}/a.csv")[0] == ["span-1/a.csv", "span-2/a.csv"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"ratings": "c.csv"}, r"c\.csv: no such file; give the path .*data\.ratings"),
        ({"ratings": "a.csv", "items": "c.csv"}, r"c\.csv: no such file; give the path .*data\.items"),
        ({"ratings": "span-1"}, r"span-1: a folder; data\.ratings must name files below data\.folder"),
        ({"ratings": "{SPAN}.parquet"}, r"no such file"),
    ],
)
def test_what_is_no_file_is_named_with_its_setting(folder, data, words):
    with pytest.raises(DataError, match=words):
        located(folder, **data)


@pytest.mark.parametrize(
    ("ratings", "items"),
    [
        (["{}/a.csv"], None),
        (["{}/a.csv", "{}/b.csv"], "{}/items.csv"),
        (["{}/x [1]/a.csv"], "{}/x [1]/items.csv"),
        (["{}/x [1]/a.csv"], "{}/items.csv"),
        (["{}/span-*/a.csv"], "{}/items.csv"),
        (["{}/span-1/a.csv", "{}/span-2/a.csv"], None),
    ],
)
def test_paths_become_settings_that_find_them(folder, ratings, items):
    paths = [path.format(folder) for path in ratings]
    items = items and items.format(folder)
    found = locate(data_settings(**as_settings(paths, items)))
    expected = [f"{folder}/span-1/a.csv", f"{folder}/span-2/a.csv"] if "*" in ratings[0] else paths
    assert (found.ratings, found.items) == (expected, [items] if items else [])


def test_paths_may_be_relative_or_in_the_home_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert as_settings(["a.csv"], None) == {"folder": ".", "ratings": "a.csv", "items": ""}
    assert as_settings(["span-1/a.csv"], "span-1/i.csv") == {"folder": "span-1", "ratings": "a.csv", "items": "i.csv"}
    assert as_settings(["*.csv"], None)["ratings"] == "*.csv"
    monkeypatch.setenv("HOME", str(folder))
    assert as_settings(["~/a.csv"], None)["folder"] == str(folder)


def test_addresses_need_one_folder():
    assert as_settings(["gs://b/f/a.csv"], "gs://b/f/i.csv") == {
        "folder": "gs://b/f",
        "ratings": "a.csv",
        "items": "i.csv",
    }
    with pytest.raises(DataError, match="expected all files in one folder, if one is not on this machine"):
        as_settings(["gs://b/f/a.csv"], "/data/i.csv")
