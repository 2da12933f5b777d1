import pytest

from pipeline import recommend
from schemas.errors import DataError


def test_the_newest_version_has_the_highest_number(tmp_path):
    for name in ("9", "100", "20", ".partial-500", "notes"):
        (tmp_path / name).mkdir()
    assert recommend.newest_version(tmp_path).name == "100"


def test_without_a_version_it_says_what_to_do(tmp_path, capsys):
    with pytest.raises(DataError, match="run the pipeline first"):
        recommend.newest_version(tmp_path)
    assert recommend.main(["--user", "1", "--model", str(tmp_path)]) == 2
    assert "no pushed version" in capsys.readouterr().err
