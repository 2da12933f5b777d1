"""Numbers with decimal points and commas."""

import math

import numpy as np
import pyarrow as pa
import pytest

from recommender.sources.numbers import find_mark, is_number, parse_number, parse_numbers


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("4.5", ".", 4.5),
        ("4,5", ",", 4.5),
        ("-3", ".", -3),
        ("+3", ",", 3),
        (".5", ".", 0.5),
        (",5", ",", 0.5),
        ("5.", ".", 5),
        ("1,234.5", ".", 1234.5),
        ("1.234,5", ",", 1234.5),
        ("1,234,567", ".", 1234567),
        ("1'234.5", ".", 1234.5),
        ("1 234,5", ",", 1234.5),
        ("1\u00a0234,5", ",", 1234.5),
        ("1\u202f234", ",", 1234),
        ("1.5e3", ".", 1500),
        ("8,8E+2", ",", 880),
        ("12345678", ".", 12345678),
    ],
)
def test_a_number_is_read_with_its_mark(text, mark, number):
    assert is_number(text)
    assert parse_number(text, mark) == number


@pytest.mark.parametrize("text", ["", "nan", "inf", "x", "1,23.4", "1.2.3", "12,34,567", "1e", "- 1", ".", "0x1f"])
def test_other_text_is_no_number(text):
    assert math.isnan(parse_number(text, "."))
    assert math.isnan(parse_number(text, ",")) or text in ("1,23.4", "1.2.3")


def test_a_mark_of_the_other_kind_is_refused_not_dropped():
    assert math.isnan(parse_number("4,5", "."))
    assert math.isnan(parse_number("4.5", ","))


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["4", "5"], "."),
        (["4.5", "3"], "."),
        (["4,5", "3"], ","),
        (["1,234.5", "2"], "."),
        (["1.234,5", "2"], ","),
        (["1,234", "2"], None),  # one thousand or one and a bit
        (["1,234", "2,5"], ","),
        (["1,234", "2.5"], "."),
        (["good", "bad"], "."),
        ([], "."),
    ],
)
def test_the_decimal_mark_is_decided_by_the_values(values, mark):
    assert find_mark(values) == mark


def test_a_column_keeps_its_rows():
    values = pa.array(["1,5", "x", "1,5", "2"])
    np.testing.assert_array_equal(parse_numbers(values, ","), [1.5, np.nan, 1.5, 2])
    np.testing.assert_array_equal(parse_numbers(pa.array([3, None], pa.int32()), "."), [3, np.nan])
    assert parse_numbers(pa.array([], pa.string()), ".").shape == (0,)
