import os
from pathlib import Path

import pytest

from schemas import layout
from schemas.errors import DataError


def _made(parent: Path, *names: str) -> Path:
    for name in names:
        (parent / name).mkdir()
    return parent


def test_versions_are_in_the_order_of_their_numbers(tmp_path):
    base = _made(tmp_path, "9", "100", "20", ".partial-500", "notes")
    assert [version.name for version in layout.versions(base)] == ["9", "20", "100"]
    assert layout.newest(base) == base / "100"


@pytest.mark.parametrize("name", ["²", "٣", "-1", "1.5", "+7", " 7", "1e3", "9223372036854775808"])
def test_only_ascii_digits_of_64_bits_name_a_version(tmp_path, name):
    base = _made(tmp_path, "3", os.fsdecode(name.encode()))  # as file names are read, whatever the locale
    assert layout.versions(base) == [base / "3"]
    assert layout.newest(base) == base / "3"


def test_leading_zeros_do_not_matter(tmp_path):
    base = _made(tmp_path, "17", "0099", "018")
    assert [version.name for version in layout.versions(base)] == ["17", "018", "0099"]
    assert layout.newest(base) == base / "0099"


def test_of_two_names_of_a_number_the_one_that_a_server_loads_is_newer(tmp_path):
    base = _made(tmp_path, "17", "0017", "017")
    assert layout.newest(base) == base / "17"


def test_a_file_is_no_version_and_a_link_to_a_folder_is(tmp_path):
    base = _made(tmp_path, "3")
    (base / "99").touch()
    (base / "100").symlink_to(base / "gone")
    (base / "4").symlink_to(base / "3")
    assert [version.name for version in layout.versions(base)] == ["3", "4"]


def test_where_there_is_no_version_it_says_what_to_do(tmp_path):
    assert layout.versions(tmp_path / "absent") == []
    with pytest.raises(DataError, match="absent: no pushed version; run the pipeline first"):
        layout.newest(tmp_path / "absent")
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(DataError, match="give the folder above it"):
        layout.newest(tmp_path)


def test_a_variant_is_part_of_the_name_of_its_file():
    assert layout.tflite_file("ranking") == "ranking.tflite"
    assert layout.tflite_file("bow", "int8") == "bow.int8.tflite"
