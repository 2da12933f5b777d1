"""Ids that the ratings and the items file write in different ways."""

import unicodedata

import pytest

from recommender.sources.profile import profile
from recommender.sources.suspicions import find_suspicions
from schemas.settings import DataSettings, Settings


@pytest.mark.parametrize(
    ("rated", "described"),
    [
        ("Café {}", unicodedata.normalize("NFD", "Café {}")),
        ("Quiet Harbour {}", "QUIET  harbour {}"),
        ("20{}", "0020{}"),
        ("20{}", "20{}.0"),
    ],
)
def test_both_forms_of_an_id_are_shown(tmp_path, rated, described):
    ratings, items = tmp_path / "ratings.csv", tmp_path / "items.csv"
    rows = "".join(f"u{n % 5},{rated.format(n % 9)}\n" for n in range(45))
    ratings.write_text("user,item\n" + rows, encoding="utf-8")
    items.write_text("item,title\n" + "".join(f"{described.format(n)},T\n" for n in range(9)), encoding="utf-8")
    data = DataSettings(folder=tmp_path)
    settings = Settings(name="shop", data=data, split={"method": "random"})
    found = find_suspicions(profile([str(ratings)], [str(items)], data), settings)
    assert [suspicion.code for suspicion in found] == ["items-do-not-match", "ids-written-differently"]
    assert f"{rated.format(0)!r} and {described.format(0)!r}" in found[1].text
