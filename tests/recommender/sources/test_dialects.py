"""Delimiter, header and the place of the first row, from the file's beginning."""

import pytest
from data_rows import data_settings

from recommender.sources.dialects import Found, find_dialect, readable, split_fields
from recommender.sources.layouts import ROLES
from recommender.sources.records import Dialect
from schemas.errors import DataError

NAMES = ("user_id", "item_id", "rating", "timestamp")
ROWS = [(f"u{row % 5}", f"x{row % 7}", f"{row % 5 + 1}", f"{1_600_000_000 + row}") for row in range(30)]


def text(delimiter: str, *preamble: str, names: tuple[str, ...] = NAMES) -> str:
    rows = [names, *ROWS] if names else ROWS
    return "\n".join([*preamble, *map(delimiter.join, rows)]) + "\n"


def find(content: str | bytes, **data) -> Found:
    head = content.encode() if isinstance(content, str) else content
    return find_dialect(head, data_settings(**data), ROLES["ratings"], "x.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::", "||", "^", "~", "\x01", "\x1f", " ", ":"])
@pytest.mark.parametrize("has_header", [True, False])
def test_the_delimiter_and_the_header_are_found(delimiter, has_header):
    found = find(text(delimiter, names=NAMES if has_header else ()))
    assert found.dialect.delimiter.decode() == delimiter
    assert found.header == (NAMES if has_header else None)
    assert (found.dialect.width, found.line) == (4, 2 if has_header else 1)
    assert [tuple(row) for row in found.rows] == ROWS


def test_any_text_may_be_set_as_delimiter():
    found = find(text(" <> "), delimiter=" <> ")
    assert found.header == NAMES and [tuple(row) for row in found.rows] == ROWS


def test_delimiters_within_quotes_and_in_titles_do_not_count():
    rows = "".join(f'u{row};"a, b, c; {row}";{row % 5}\n' for row in range(20))
    found = find("user;item;rating\n" + rows)
    assert found.dialect.delimiter == b";" and found.rows[3] == ["u3", "a, b, c; 3", "3"]


@pytest.mark.parametrize(
    ("preamble", "line"),
    [
        (["sep=;"], 3),
        (['"sep=;"'], 3),
        (["# exported", "% by a program", "", "  # twice"], 6),
        (["", " ", ""], 5),
        (["sep=;", "# note"], 4),
    ],
)
def test_what_stands_before_the_header_is_skipped(preamble, line):
    content = text(";", *preamble)
    found = find(content)
    assert (found.header, found.line) == (NAMES, line)
    assert content.encode()[found.start :].startswith(b"u0;x0;1;1600000000")


def test_a_named_delimiter_is_believed():
    assert find("sep=:\n" + text(":")).dialect.delimiter == b":"


@pytest.mark.parametrize("mark", ["#", "% "])
def test_a_header_may_be_a_comment(mark):
    found = find(text("\t", "# exported", mark + "userID\tartistID\tweight\ttimestamp", names=()))
    assert found.header == ("userID", "artistID", "weight", "timestamp")
    assert found.line == 3 and len(found.rows) == len(ROWS)


def test_whether_there_is_a_header_can_be_set():
    assert find(text(","), header=False).header is None
    assert find(text(",", names=()), header=True).header == ROWS[0]


@pytest.mark.parametrize(
    ("first", "rest", "is_header"),
    [
        ("visitor,thing,when", "a1,b1,2020-01-01\na2,b2,2020-01-02\n", True),
        ("who,what,how much", "ann,tea,4\nbob,rum,2\n", True),
        ("ann,tea,4", "bob,rum,2\nann,gin,1\n", False),
        ("ann,tea,view", "bob,rum,view\nann,gin,buy\n", False),
        ("1,2", "1,3\n2,3\n", False),
        ("user,item", "ann,tea\nbob,rum\n", True),
        ("user,item", "user,other\nann,item\n", True),
        ("kunde,artikel", "K1,A1\nK2,A7\n", True),
    ],
)
def test_a_header_is_known_by_its_names_or_by_what_is_unlike_it(first, rest, is_header):
    assert (find(f"{first}\n{rest}").header is not None) == is_header


def test_records_may_be_wider_than_most():
    found = find("1,2,3\n1,2\n3,4\n5,6\n7,8\n", header=False)
    assert found.dialect.width == 2


def test_known_names_say_what_the_delimiter_is_whatever_the_rows_are():
    found = find("user_id,item_id,rating\nann\nbob;tea\neve,1,2,3,4\n")
    assert (found.dialect.delimiter, found.dialect.width) == (b",", 3)


def test_a_file_of_one_column_is_refused_with_its_rows():
    with pytest.raises(DataError, match=r"x\.csv: no delimiter was found.*\n  ann\n  bob\n  eve\nSet data\.delimiter"):
        find("ann\nbob\neve\nmax\n")


@pytest.mark.parametrize("content", ["# nothing\n", "\n\n", "sep=;\n", " \n# a\n\n", "sep=;"])
def test_a_file_may_have_no_rows(content):
    found = find(content)
    assert (found.header, found.rows, found.start) == (None, [], len(content))


def test_a_long_head_may_be_cut_within_a_row():
    rows = "".join(f'u{row},"item, {row}",5\n' for row in range(50_000))
    found = find(("user,item,rating\n" + rows)[: 1 << 19])
    assert found.dialect.delimiter == b"," and found.dialect.width == 3


@pytest.mark.parametrize("quote", ['"x\\"y"', '"a \\"b\\", c"'])
def test_backslashes_that_escape_quotes_are_seen(quote):
    content = "user,item,rating\n" + f"ann,{quote},3\n" * 5
    found = find(content)
    assert found.dialect.escapes
    assert found.rows[0][1] == quote[1:-1].replace('\\"', '"')


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (b"a, b ,c", ["a", "b", "c"]),
        (b'"a, b", "c ""d""" ,', ["a, b", 'c "d"', ""]),
        (b'5" pipe,"', ['5" pipe', '"']),
        (b"", [""]),
    ],
)
def test_fields_are_unquoted_and_trimmed(record, fields):
    assert split_fields(record, Dialect(b",", 0)) == fields


def test_bytes_that_cannot_be_shown_are_replaced():
    assert readable(b"a\xff\0b") == "a\ufffd\ufffdb"
