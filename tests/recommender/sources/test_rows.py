"""Rejects, their list for a spreadsheet, and notes."""

import csv
import io

import pytest
from data_rows import parts_of, written

from recommender.sources import rows as module
from recommender.sources.rows import Note, Reject, add_up, rejects_as_csv


def test_a_list_of_rejects_reads_back_by_file_and_line():
    rejects = [
        Reject("b.csv", 2, "item is empty", "", 'u,"x, y"\n'),
        Reject("a.csv", 10, "x", "1", "é"),
        Reject("a.csv", 9, "x", "", ""),
    ]
    rows = list(csv.reader(io.StringIO(rejects_as_csv(rejects), newline="")))
    assert rows == [
        ["file", "line", "reason", "value", "content"],
        ["a.csv", "9", "x", "", ""],
        ["a.csv", "10", "x", "1", "é"],
        ["b.csv", "2", "item is empty", "", 'u,"x, y"\n'],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start):
    text = f'{start}HYPERLINK("http://x","y")'
    [_, row] = csv.reader(io.StringIO(rejects_as_csv([Reject(text, 2, text, text, text)]), newline=""))
    assert [cell[:2] for cell in row] == ["'" + start] * 1 + ["2"] + ["'" + start] * 3


def test_a_formula_in_a_rejected_row_is_escaped(tmp_path):
    path = written(tmp_path, "user,item,rating\n=1+1,a,4\n@x,a,=cmd\nann,b,5\nbob,a,3\n")
    [part] = parts_of(path)
    cells = [cell for row in csv.reader(io.StringIO(rejects_as_csv(part.rejects))) for cell in row]
    assert "'=cmd" in cells and "'@x,a,=cmd" in cells
    assert part.table["user"].to_pylist() == ["=1+1", "ann", "bob"], "usable ids stay as they are"


def test_notes_of_a_kind_and_file_add_up_and_keep_the_first_place():
    notes = [
        Note("placeholder-time", "a.csv", 3, "1970-01-01", 2),
        Note("placeholder-time", "a.csv", 90, "1900-01-01", 1),
        Note("placeholder-time", "b.csv", 5, "1970-01-01", 1),
        Note("event-without-weight", "a.csv", 4, "scroll", 7),
        Note("event-without-weight", "a.csv", 6, "hover", 2),
        Note("event-without-weight", "a.csv", 60, "scroll", 1),
    ]
    assert add_up(notes) == [
        Note("placeholder-time", "a.csv", 3, "1970-01-01", 3),
        Note("placeholder-time", "b.csv", 5, "1970-01-01", 1),
        Note("event-without-weight", "a.csv", 4, "scroll", 8),
        Note("event-without-weight", "a.csv", 6, "hover", 2),
    ]


def test_of_many_rejects_some_are_listed_and_all_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LISTED_REJECTS", 5)
    rows = "".join(f"u{row},i,many\nu{row},i\n" for row in range(20))
    path = written(tmp_path, f"user,item,rating\nann,tea,4\n{rows}")
    [part] = parts_of(path, columns={"user": "user", "item": "item", "rating": "rating"})
    assert part.reasons == {"rating is not a finite number": 20, "wrong number of fields: expected 3, got 2": 20}
    assert [reject.reason[:5] for reject in part.rejects] == ["ratin"] * 5 + ["wrong"], "the first of each in any case"


def test_a_long_row_is_cut_in_the_list(tmp_path):
    path = written(tmp_path, "user,item,rating\nann,tea,4\nbob,tea,3\n" + f"u,{'x' * 500},{'y' * 500}\n")
    [reject] = parts_of(path)[0].rejects
    assert (len(reject.value), len(reject.content)) == (200, 200)
