from typing import Any

import pytest

from pipeline.reporting import counted


def _counted(ratings: dict[str, float], **more: Any) -> dict[str, Any]:
    splits = {"train": {"rows": 8, "users": 2, "items": 3}, "eval": {"rows": 2, "users": 1, "items": 2}}
    files = {"ratings.csv": {"rows": 10, "rejected": 0, "left_out": 0}}
    repeats = {"merged": 0, "replaced": 0, "left_out": 0}
    return {"files": files, "splits": splits, "ratings": {"rows": 10} | ratings, "repeats": repeats} | more


@pytest.mark.parametrize(
    ("summed", "said"),
    [
        (_counted({"rated": 10, "timed": 10, "min": 1, "max": 5}), []),
        (_counted({"rated": 0, "timed": 0}), ["no ratings: implicit feedback", "no times: events are in the order"]),
        (_counted({"rated": 10, "timed": 10, "min": 4, "max": 4}), ["every rating is 4, which counts as no rating"]),
        (
            _counted({"rated": 7, "timed": 9, "min": 1, "max": 4}),
            ["without a rating: 3 of 10 events", "without a time: 1 of 10 events"],
        ),
        (
            _counted(
                {"rated": 10, "timed": 10, "min": 1, "max": 5},
                repeats={"merged": 1, "replaced": 1_200, "left_out": 3},
                items_repeated=2,
                rated_items_not_described=4,
            ),
            [
                "one event with another: 1 rows",
                "a later event: 1,200 events",
                "left out of eval: 3",
                "first row counts: 2",
                "ids: 4 items",
            ],
        ),
    ],
)
def test_facts_are_what_a_log_lacks_and_what_became_of_repeats(summed, said):
    lines = list(counted.facts(summed))
    assert len(lines) == len(said) and all(words in line for words, line in zip(said, lines, strict=True))


def test_a_note_has_its_place_value_and_number_and_long_lists_end():
    summed = {
        "notes": [
            ["empty-file", "part-2.csv", 0, "", 0],
            ["stray-quotes", "part-1.csv", 7, '"', 1_200],
            ["times-rounded", "part-1.csv", 0, "1.6E+09", 0],
        ]
    }
    lines = list(counted.notes(summed))
    assert lines[0] == "empty-file: part-2.csv: the file has no rows and is left out"
    assert lines[1].startswith("stray-quotes: part-1.csv, line 7: (1,200 in all) a quote is opened")
    assert lines[2].startswith("times-rounded: part-1.csv: '1.6E+09' times have lost digits")
    lines = list(counted.notes({"notes": summed["notes"] * 10}))
    assert len(lines) == 21 and lines[-1].startswith("... 30 in all")


def test_the_page_has_all_of_it_and_no_html_from_the_data():
    summed = _counted({"rated": 0, "timed": 10}, notes=[["event-without-weight", "a.csv", 3, "<b>", 4]])
    summed["files"]["ratings.csv"]["left_out"] = 4
    page = counted.markdown(summed)
    assert "| file | rows | rejected | left out |\n| --- | --- | --- | --- |\n| ratings.csv | 10 | 0 | 4 |" in page
    assert "| train | 8 | 2 | 3 |" in page
    assert "- no ratings" in page and "- event-without-weight: a.csv, line 3: '&lt;b&gt;' (4 in all)" in page
