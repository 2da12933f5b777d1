from pathlib import Path

import pytest

from recommender.sources.files import find_files, open_file

NAMES = ["a-1.csv", "a-2.csv", "b.csv", "a [2].csv", ".a-0.csv", "old/a-1.csv", "2020/a-1.csv", "2021/a-1.csv"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that, as a pattern, would match another one."""
    folder = tmp_path / "my data [2021] *über%20"
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("b.csv", ["b.csv"]),
        ("a-*.csv", ["a-1.csv", "a-2.csv"]),
        ("a [2].csv", ["a [2].csv"]),
        ("[ab]?[!1].csv", ["a-2.csv"]),
        ("old/a-1.csv", ["old/a-1.csv"]),
        ("20*/a-*", ["2020/a-1.csv", "2021/a-1.csv"]),
        ("*/*.csv", ["2020/a-1.csv", "2021/a-1.csv", "old/a-1.csv"]),
        (".a-*.csv", [".a-0.csv"]),
        ("c.csv", []),
        ("none/*.csv", []),
    ],
)
def test_a_folder_is_literal_and_a_name_that_is_no_file_is_a_pattern(
    folder: Path, scheme: str, pattern: str, found: list[str]
) -> None:
    paths = find_files(f"{scheme}{folder}", pattern)
    assert paths == [f"{scheme}{folder}/{name}" for name in found]
    for path, name in zip(paths, found, strict=True):
        with open_file(path) as stream:
            stream.seek(1)
            assert stream.read() == name[1:].encode()


def test_the_home_folder_may_be_abbreviated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert find_files(Path("~"), "b.csv") == [f"{folder}/b.csv"]


def test_a_folder_of_that_name_is_found_on_this_machine(folder: Path) -> None:
    assert find_files(folder, "old") == [f"{folder}/old"]
