"""Quotes that join rows, and quoted text that only resembles rows."""

import pytest

from recommender.sources.profile import profile
from schemas.settings import DataSettings


def read(tmp_path, lines, header="user,item,rating,time"):
    """Returns the profile of a CSV file."""
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return profile([str(path)], [], DataSettings(folder=tmp_path))


@pytest.mark.parametrize("distance", [1, 2, 30])
@pytest.mark.parametrize("items", ["{}", "Item {}"])
def test_rows_between_two_stray_quotes_are_read_apart(tmp_path, distance, items):
    rows = [[str(n % 7), items.format(n % 11), str(n % 5), str(1_600_000_000 + n)] for n in range(80)]
    rows[20][1] = '"' + rows[20][1]
    rows[20 + distance][1] += '"'
    found = read(tmp_path, map(",".join, rows))
    (counts,) = found.counts.values()
    assert (counts.rows, counts.accepted) == (80, 80)
    assert [(note.code, note.line) for note in found.notes] == [("stray-quotes", 22)]


@pytest.mark.parametrize("text", ["Good\nsoup, rice, tea, bread, nuts\nBad", "soup\nrice, tea, bread, nuts, more"])
def test_a_line_of_text_with_as_many_commas_as_a_row_is_no_row(tmp_path, text):
    rows = [f'{n % 7},{n % 11},{n % 5},{1_600_000_000 + n},"{text}"' for n in range(80)]
    found = read(tmp_path, rows, "user,item,rating,time,review")
    (counts,) = found.counts.values()
    assert (counts.rows, counts.accepted, found.notes) == (80, 80, [])
