"""Records against the standard library's csv reader and by hand."""

import csv
import io
import random

import pytest

from recommender.sources import records as module
from recommender.sources.records import Dialect, count_lines, find_lines, find_records, last_end, positions_of

COMMA = Dialect(b",", 0)


def records(content: bytes, dialect: Dialect = COMMA) -> list[tuple[int, bytes]]:
    found = find_records(content, 1, dialect)
    return [
        (line, content[start:stop]) for line, start, stop in zip(found.lines, found.starts, found.stops, strict=True)
    ]


def random_csv(seed: int, num_rows: int = 200) -> bytes:
    chooser = random.Random(seed)
    text = io.StringIO()
    end = chooser.choice(["\n", "\r\n", "\r"])
    signs = 'ab", ' + end[-1]
    writer = csv.writer(text, lineterminator=end)
    writer.writerows(
        [["".join(chooser.choices(signs, k=chooser.randint(1, 6))) for _ in range(3)] for _ in range(num_rows)]
    )
    return text.getvalue().encode()


@pytest.mark.parametrize("seed", range(6))
def test_records_are_those_of_the_standard_library(seed):
    content = random_csv(seed)
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert [next(csv.reader(io.StringIO(record.decode(), newline=""))) for _, record in records(content)] == rows


def test_lines_are_counted_through_quoted_newlines_blank_lines_and_carriage_returns():
    content = b'a,b\r\n"c\nd",e\r\n\r\n\nf,"g ""h"",\ni"\nj'
    assert records(content) == [(1, b"a,b"), (2, b'"c\nd",e'), (6, b'f,"g ""h"",\ni"'), (8, b"j")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_each_line_end_ends_a_record(end):
    assert records(end.join([b"a,b", b"", b"c,d", b""])) == [(1, b"a,b"), (3, b"c,d")]


def test_line_ends_may_be_mixed():
    assert records(b"a\rb\nc\r\n\rd") == [(1, b"a"), (2, b"b"), (3, b"c"), (5, b"d")]


def test_a_stray_quote_does_not_swallow_the_rows_after_it():
    content = b'1,"open\n2,12" vinyl\n3,"Great Expectations" Live\n4,"x, y"\n"5,\n'
    assert [line for line, _ in records(content)] == [1, 2, 3, 4, 5]
    assert find_records(content, 1, COMMA).quoted.tolist() == [[content.index(b'"x'), content.index(b'y"') + 2]]


@pytest.mark.parametrize("before", [b"", b'0,"x"" "\n'])
def test_two_stray_quotes_that_join_rows_are_ordinary_characters(before):
    content = before + b'1,"open\n2,3\n4,5\n6,closed"\n7,"a\nb"\n'
    found = find_records(content, 1, Dialect(b",", 2))
    first = 1 + len(before.splitlines())
    assert found.lines.tolist()[-5:] == [first, first + 1, first + 2, first + 3, first + 4]
    assert found.stray == [first]


def test_a_damaged_row_between_two_stray_quotes_does_not_join_the_others():
    rows = [b"%d,x" % row for row in range(12)]
    rows[1], rows[6], rows[10] = b'1,"x', b"6", b'10,x"'
    content = b"\n".join(rows)
    assert find_records(content, 1, Dialect(b",", 2)).lines.tolist() == list(range(1, 13))


def test_a_quoted_text_with_line_ends_and_delimiters_is_one_field():
    content = b'1,"a long, long\nreview, with commas, and\n\nline ends"\n2,x\n'
    found = find_records(content, 1, Dialect(b",", 2))
    assert found.lines.tolist() == [1, 5] and found.stray == []
    assert found.delimiters_within().tolist() == [1, 1]


def test_a_quoted_newline_far_into_the_file_ends_no_record():
    rows = b"1,2,3,4\n" * 10_000
    assert records(rows + b'5,"a\nb",3,4\n')[-1] == (10_001, b'5,"a\nb",3,4')


def test_a_quote_that_is_closed_too_far_away_is_an_ordinary_character():
    content = b'1,"open\n' + b"2,3\n" * 20_000 + b'4,"\n'
    assert len(records(content)) == 20_002


def test_a_backslash_may_escape_a_quote():
    content = b'"a \\"b\\", c",d\n"e ""f""",g\n"h\\",i\n'
    found = find_records(content, 1, Dialect(b",", 2, escapes=True))
    assert found.lines.tolist() == [1, 2, 3]
    assert found.delimiters_within().tolist() == [1, 1, 1]
    assert found.escaped.tolist()[0]
    plain = find_records(b'"C:\\",x\n"y",z\n', 1, COMMA)
    assert plain.delimiters_within().tolist() == [1, 1], "a backslash before the closing quote is a backslash"


def test_spaces_may_surround_quoted_fields():
    content = b'a, "b, c" ,d\n'
    assert find_records(content, 1, COMMA).delimiters_within().tolist() == [2]


@pytest.mark.parametrize("delimiter", ["::", "||", "\t", "~", "ab"])
def test_delimiters_of_any_length_are_found(delimiter):
    content = delimiter.join(["x", '"y' + delimiter + 'z"', "w"]).encode() + b"\n"
    found = find_records(content, 1, Dialect(delimiter.encode(), 3))
    assert found.delimiters_within().tolist() == [2]


@pytest.mark.parametrize("text", ["aaaa", "abab", "xaaay", "aabaaab", "", "a"])
def test_positions_do_not_overlap(text):
    for wanted in ("a", "aa", "ab", "aabaaabaaab"):
        expected, start = [], 0
        while (place := text.find(wanted, start)) >= 0:
            expected.append(place)
            start = place + len(wanted)
        assert positions_of(text.encode(), wanted.encode()).tolist() == expected


def test_lines_count_once_whatever_ends_them():
    content = b'{"a": 1}\r\n\n  \r{"b": 2}\n'
    assert count_lines(content) == 4
    numbers, texts = find_lines(content, 10)
    assert numbers.tolist() == [10, 13] and texts == [b'{"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (b"a,b\nc,d", b"a,b\n"),
        (b"a,b\r", b""),  # the LF may follow
        (b"a,b\rc", b"a,b\r"),
        (b'a,b\nc,"d\ne', b"a,b\n"),
        (b'a,b\nc,"d\ne"\nf', b'a,b\nc,"d\ne"\n'),
        (b'a,b\nc,"d""\ne', b"a,b\n"),
        (b"a,b", b""),
    ],
)
def test_a_piece_ends_where_a_record_surely_ends(content, whole):
    assert content[: last_end(content, COMMA)] == whole


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_to_find_quoted_fields_agree(seed):
    chooser = random.Random(seed)
    fast = 0
    for _ in range(400):
        texts = ["".join(chooser.choices('ab", ', k=chooser.randint(0, 5))) for _ in range(3)]
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow(texts)
        content = bytearray(row.getvalue().encode())
        if chooser.random() < 0.3:
            content[chooser.randrange(len(content))] = ord('"')
        found = module._paired(bytes(content), b",")
        if found is not None:
            fast += 1
            assert found.tolist() == module._searched(bytes(content), COMMA, final=True).ranges.tolist()
    assert fast > 40
