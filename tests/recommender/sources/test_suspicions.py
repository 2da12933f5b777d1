"""Every suspicion by its code, and none on clean data."""

import re
from pathlib import Path
from typing import Any

import pytest
from data_rows import written

from recommender.sources.inspection import Inspection, inspect
from recommender.sources.suspicions import as_iso, reject_reasons
from schemas.errors import DataError
from schemas.settings import Settings

NAMES = "user_id,item_id,rating,timestamp"
ROWS = [[f"u{n % 25}", f"x{n % 13}", str(1 + n % 5), str(1_600_000_000 + 3_600 * n)] for n in range(200)]
ITEMS = "item_id,title,genres\n" + "".join(f"x{n},Title {n},Drama|Comedy\n" for n in range(13))


def text(rows: list[list[str]], names: str = NAMES) -> str:
    return "\n".join([names, *map(",".join, rows)]) + "\n"


def changed(column: int, *values: str) -> list[list[str]]:
    """The rows, the first of them with other values in a column."""
    rows = [[*row] for row in ROWS]
    for row, value in zip(rows, values, strict=False):
        row[column] = value
    return rows


def inspected(
    folder: Path, content: str | bytes, items: str | None = None, method: str = "time", **data: Any
) -> Inspection:
    written(folder, content)
    if items is not None:
        written(folder, items, "items.csv")
    files = {"folder": folder, "items": "items.csv" if items is not None else "", **data}
    return inspect(Settings.model_validate({"name": "x", "data": files, "split": {"method": method}}))


def codes(inspection: Inspection) -> list[str]:
    return [suspicion.code for suspicion in inspection.suspicions]


def test_clean_data_are_not_suspicious(tmp_path):
    found = inspected(tmp_path, text(ROWS), ITEMS)
    assert found.suspicions == [] and found.is_usable
    found.check()


WARNINGS = [
    ("stray-quotes", {"rows": changed(1, *["x0"] * 3, '"x1', "x2", "x3", "x4", 'x5"')}, r"line 5: \(1 in all\)"),
    ("placeholder-time", {"rows": changed(3, "0")}, r"line 2: '0' \(1 in all\).* no time is known"),
    ("ratings-equal", {"rows": [[*row[:2], "4", row[3]] for row in ROWS]}, r"all ratings are equal \(4\)"),
    (
        "ratings-look-like-counts",
        {
            "rows": [[*row[:2], str(2 + n**2), row[3]] for n, row in enumerate(ROWS[:60])]
            + [[*r[:2], "1", r[3]] for r in ROWS]
        },
        'reach 3483, and their mean is .*data.rating_means = "count"',
    ),
    ("rating-may-be-none", {"rows": changed(2, "-1", "-1")}, r"2 ratings are -1, .* begin at 1:.*no_rating = \[-1\]"),
    ("rating-may-be-none", {"rows": changed(2, *["0"] * 70)}, r"70 ratings are 0, .* begin at 1:.*no_rating = \[0\]"),
    ("times-rounded", {"rows": changed(3, "1.60E+09")}, r"times such as '1\.60E\+09' have lost digits"),
    ("user-spellings", {"rows": changed(0, "U1")}, "2 user ids are 1 names.*'u1' and 'U1'"),
    ("item-spellings", {"rows": changed(1, "X1")}, "2 item ids are 1 names.*'x1' and 'X1'; set data.merge_names"),
    ("item-point-zero", {"rows": [[row[0], row[1][1:], *row[2:]] for row in changed(1, "x5.0")]}, "'5.0' and '5'"),
    ("user-point-zero", {"rows": [[row[0][1:], *row[1:]] for row in changed(0, "u7.0")]}, "'7.0' and '7'"),
    ("heavy-user", {"rows": changed(0, *["bot"] * 40)}, "'bot'"),
    ("columns-by-order", {"rows": ROWS, "names": "a,b,c,d"}, "'a' was taken as the user and 'b' as the item"),
    ("event-letter-case", {"events": {"VIEW": 1}}, "'view'"),
    ("event-without-weight", {"events": {"buy": 1}}, "'view'"),
    ("items-repeated", {"items": ITEMS + "x1,Again,\n"}, "1 rows of the items file repeat an item"),
    ("genres-look-like-lists", {"items": ITEMS.replace("Drama|Comedy", "\"['Drama', 'Comedy']\"")}, "', '.*brackets"),
    ("genres-look-like-lists", {"items": ITEMS.replace("|", ";")}, r"may be ';' \(data\.genre_separator, now '\|'\)"),
    ("ids-written-differently", {"items": ITEMS.replace("x1,", "x1.0,")}, "'x1' and 'x1.0'; nothing is joined"),
]


@pytest.mark.parametrize(("code", "made", "words"), WARNINGS, ids=[f"{n}-{row[0]}" for n, row in enumerate(WARNINGS)])
def test_a_warning_says_where_and_what(tmp_path, code, made, words):
    rows, events = made.get("rows", ROWS), made.get("events")
    names = made.get("names", NAMES)
    data: dict[str, Any] = {"max_reject_share": 0.5}
    if events:
        rows = [[*row, "view" if n % 2 else "buy"] for n, row in enumerate(rows)]
        names, data["events"] = f"{NAMES},event", events | ({"buy": 2} if "VIEW" in events else {})
    found = inspected(tmp_path, text(rows, names), made.get("items"), **data)
    assert code in codes(found), codes(found)
    [suspicion] = [one for one in found.suspicions if one.code == code]
    assert suspicion.severity == "warning" and re.search(words, suspicion.text), suspicion.text
    assert found.is_usable


def test_nul_bytes_and_empty_parts_are_named(tmp_path):
    written(tmp_path, text(ROWS), "part-1.csv")
    written(tmp_path, "", "part-2.csv")
    written(tmp_path, text([]), "part-3.csv")
    written(tmp_path, text(ROWS[:3]) + "\0" * 20 + "\n", "part-4.csv")
    found = inspected(tmp_path, text(ROWS), ratings="part-*.csv")
    assert sorted(codes(found)) == ["empty-file", "empty-file", "nul-bytes"]
    texts = " ".join(one.text for one in found.suspicions)
    assert "part-2.csv: the file is empty" in texts and "part-3.csv: a header and no rows; it is left out" in texts
    assert "part-4.csv, line 5" in texts


ERRORS = [
    ("too-many-rejects", {"rows": changed(2, "good", "bad", "x")}, r"3 of 200 .*\(1\.50%\).* line 2: .*: 'good'"),
    ("too-few-users", {"rows": [["u1", *row[1:]] for row in ROWS]}, "1 user in 200 usable rows; expected at least two"),
    ("too-few-items", {"rows": [[row[0], "x1", *row[2:]] for row in ROWS]}, "1 item in 200 usable rows"),
    ("too-few-events", {"rows": ROWS[:19]}, "19 different pairs .* at least 20"),
    (
        "sections",
        {"rows": [[*ROWS[0][:2], "?", "5"], ["1:"], *ROWS * 2, ["2:"], *ROWS]},
        "lines such as '1:' name",
    ),
    ("no-times", {"columns": {"timestamp": ""}}, r'Set split\.method to "random" or "last", or name the column'),
    ("items-do-not-match", {"items": ITEMS.replace("\nx", "\n0x")}, r"0\.0% of the rated.*'x0'.*'0x0'.*item_columns"),
]


@pytest.mark.parametrize(("code", "made", "words"), ERRORS, ids=[row[0] for row in ERRORS])
def test_an_error_stops_the_run_and_says_what_to_do(tmp_path, code, made, words):
    data = {"columns": made["columns"]} if "columns" in made else {}
    found = inspected(tmp_path, text(made.get("rows", ROWS)), made.get("items"), **data)
    assert codes(found)[0] == code and found.suspicions[0].severity == "error"
    assert re.search(words, found.suspicions[0].text), found.suspicions[0].text
    assert not found.is_usable
    with pytest.raises(DataError, match=words):
        found.check()


def test_types_that_all_lack_a_weight_are_named(tmp_path):
    rows = [[*row, "view" if n % 2 else "buy"] for n, row in enumerate(ROWS)]
    found = inspected(tmp_path, text(rows, f"{NAMES},event"), events={"click": 1})
    assert [one.code for one in found.suspicions if one.severity == "error"] == ["no-event-with-a-weight"]
    assert "the types in the data are 'buy', 'view'" in found.suspicions[0].text


def test_few_zeros_are_ratings(tmp_path):
    assert not inspected(tmp_path, text(changed(2, *["0"] * 20))).suspicions


def test_bounds_on_ratings_need_ratings(tmp_path):
    written(tmp_path, text(ROWS))
    tree = {"name": "x", "data": {"folder": tmp_path, "items": "", "columns": {"rating": ""}}}
    bounded = tree | {"gate": {"thresholds": {"rmse": {"at_most": 1.0}, "mrr": {"at_least": 0.1}}}}
    assert codes(inspect(Settings.model_validate(tree))) == []
    [error] = inspect(Settings.model_validate(bounded)).suspicions
    assert error.code == "no-ratings" and error.text.startswith("[gate] has bounds for rmse, which")


def test_every_code_is_in_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    assert [code for code, *_ in WARNINGS + ERRORS if f"`{code}`" not in page] == []


def test_data_without_times_can_be_split_at_random(tmp_path):
    found = inspected(tmp_path, text(ROWS), method="random", columns={"timestamp": ""})
    assert found.is_usable


def test_the_shares_can_be_set(tmp_path):
    assert inspected(tmp_path, text(changed(2, "good", "bad", "x")), max_reject_share=0.02).is_usable
    half = "\n".join(ITEMS.splitlines()[:8]) + "\n"  # 7 of 13
    assert inspected(tmp_path, text(ROWS), half).is_usable
    assert not inspected(tmp_path, text(ROWS), half, min_described_share=0.6).is_usable


def test_merged_names_are_no_longer_suspicious(tmp_path):
    assert codes(inspected(tmp_path, text(changed(1, "X1")), merge_names=True)) == []


def test_ids_that_lost_their_zeros_are_shown(tmp_path):
    rows = [[row[0], f"{int(row[1][1:]):03}", *row[2:]] for row in ROWS]
    items = "item_id,title\n" + "".join(f"{n},Title {n}\n" for n in range(13))
    found = inspected(tmp_path, text(rows), items)
    assert codes(found)[0] == "items-do-not-match" and "ids-written-differently" in codes(found)
    [shown] = [one.text for one in found.suspicions if one.code == "ids-written-differently"]
    assert shown.startswith("13 rated items") and "'001' and '1'" in shown


def test_reasons_name_the_first_place_and_value(tmp_path):
    found = inspected(tmp_path, text(changed(2, "good", "3", "bad")), max_reject_share=0.5)
    assert reject_reasons(found.profile.counts) == {
        "rating is not a finite number: 'good' (first in ratings.csv, line 2)": 2
    }
    assert [(reject.line, reject.value) for reject in found.rejects()] == [(2, "good"), (4, "bad")]


def test_times_are_shown_in_utc():
    assert as_iso(1610533805) == "2021-01-13T10:30:05Z" and as_iso(None) is None
    assert as_iso(-62135596800) == "0001-01-01T00:00:00Z" and as_iso(253402300799) == "9999-12-31T23:59:59Z"
    assert as_iso(-253402300799) == "-6060-01-02T00:00:01Z", "the earliest that is read"
