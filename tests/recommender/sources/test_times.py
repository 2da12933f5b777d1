"""Formats of times, found in values, and times as seconds, against Python's datetime."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest

from recommender.sources.times import Undecided, find_format, find_placeholders, is_rounded, parse_times

MOMENTS = [
    datetime(2021, 1, 13, 10, 30, 5, tzinfo=timezone.utc) + timedelta(days=17 * n, seconds=97 * n) for n in range(20)
]
SECONDS = [int(moment.timestamp()) for moment in MOMENTS]
DAYS = [second // 86_400 * 86_400 for second in SECONDS]
MINUTES = [second // 60 * 60 for second in SECONDS]


def parsed(values: list[str], timestamp_format: str) -> list[float]:
    return parse_times(pa.array(values, pa.string()), timestamp_format).tolist()


@pytest.mark.parametrize(
    ("written", "expected", "seconds"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "iso8601", SECONDS),
        ("%Y-%m-%d %H:%M:%S UTC", "iso8601", SECONDS),
        ("%Y-%m-%d %H:%M", "iso8601", MINUTES),
        ("%Y-%m-%d", "iso8601", DAYS),
        ("%Y%m%d", "%Y%m%d", DAYS),
        ("%Y%m%d%H%M", "%Y%m%d%H%M", MINUTES),
        ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S", SECONDS),
        ("%d/%m/%Y", "%d/%m/%Y", DAYS),
        ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M", MINUTES),
        ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", SECONDS),
        ("%d-%m-%y", "%d-%m-%y", DAYS),
        ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", SECONDS),
        ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p", SECONDS),
        ("%b %d, %Y", "%b %d, %Y", DAYS),
        ("%d %B %Y", "%d %B %Y", DAYS),
        ("%d-%b-%Y", "%d-%b-%Y", DAYS),
        ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Y", SECONDS),
        ("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S GMT", SECONDS),
    ],
)
def test_the_format_of_written_times_is_found_and_read(written, expected, seconds):
    values = [moment.strftime(written) for moment in MOMENTS]
    found = find_format(values)
    assert found == expected
    assert parsed(values, found) == seconds


@pytest.mark.parametrize(("name", "unit"), [("unix", 1), ("unix_ms", 10**3), ("unix_us", 10**6), ("unix_ns", 10**9)])
def test_the_unit_of_unix_times_is_found_by_their_size(name, unit):
    values = [str(second * unit) for second in SECONDS]
    assert find_format(values) == name
    np.testing.assert_allclose(parsed(values, name), SECONDS, rtol=0, atol=1e-6)
    np.testing.assert_allclose(parse_times(pa.array([int(v) for v in values]), name), SECONDS, rtol=0, atol=1e-6)


def test_unix_times_may_have_fractions():
    assert find_format(["1610533805.75", "1610533806.0"]) == "unix"
    assert parsed(["1610533805.75", "x", "-0.5"], "unix")[::2] == [1610533805.75, -0.5]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2021-01-13", 1610496000),
        ("2021-01-13T10:30", 1610533800),
        ("2021-01-13 10:30:05", 1610533805),
        ("2021-01-13T10:30:05.25", 1610533805.25),
        ("2021-01-13T10:30:05,25Z", 1610533805.25),
        ("2021-01-13T10:30:05.123456789Z", 1610533805.123456789),
        ("2021-01-13T10:30:05+02:00", 1610533805 - 7200),
        ("2021-01-13T10:30:05-0330", 1610533805 + 12600),
        ("2021-01-13 10:30:05+01", 1610533805 - 3600),
        ("0001-01-01", -62135596800),
        ("9999-12-31T23:59:59", 253402300799),
    ],
)
def test_iso_8601_is_read_with_and_without_fraction_and_zone_within_one_column(text, seconds):
    values = ["2020-01-01", text, "2020-01-01T00:00:00Z"]
    assert find_format(values) == "iso8601"
    np.testing.assert_allclose(parsed(values, "iso8601"), [1577836800, seconds, 1577836800], rtol=0, atol=1e-6)


@pytest.mark.parametrize("text", ["2021-02-30", "2021-13-01", "yesterday", "", "13/01/2021", "2021-01-13T25:00"])
def test_what_does_not_fit_a_format_is_no_time(text):
    assert np.isnan(parsed([text, "2021-01-13"], "iso8601")[0])
    assert np.isnan(parsed([text, "2021-01-13"], "%Y-%m-%d")[0])
    assert np.isnan(parsed([text], "unix")[0])


def test_the_day_is_first_where_a_13_says_so():
    assert find_format(["01/02/2021", "13/02/2021"]) == "%d/%m/%Y"
    assert find_format(["01/02/2021", "02/13/2021"]) == "%m/%d/%Y"
    assert find_format(["01/02/2021 10:30", "13/02/2021 11:30"]) == "%d/%m/%Y %H:%M"


def test_otherwise_both_readings_are_given():
    assert find_format(["01/01/2021", "03/04/2021"]) == Undecided(("%d/%m/%Y", "%m/%d/%Y"), "03/04/2021")
    assert find_format(["01/01/2021", "02/02/2021"]) == "%d/%m/%Y", "both readings are the same"


@pytest.mark.parametrize("values", [[], ["a", "b"], ["1", "2", "3"], ["4.5", "3"], ["00012345", "00054321"], ["x1"]])
def test_other_values_are_no_times(values):
    assert find_format(values) is None


def test_a_few_bad_values_do_not_hide_the_format():
    values = [moment.strftime("%d/%m/%Y") for moment in MOMENTS]
    assert find_format([*values, "unknown"]) == "%d/%m/%Y"


def test_arrow_times_are_taken_in_utc():
    moment = datetime(2021, 1, 13, 10, 30, 5, 250_000, tzinfo=timezone.utc)
    for unit in ("s", "ms", "us", "ns"):
        values = pa.array([moment.replace(microsecond=0), None], pa.timestamp(unit, "America/Bogota"))
        seconds = parse_times(values, "iso8601")
        assert seconds[0] == 1610533805 and np.isnan(seconds[1])
    assert parse_times(pa.array([moment], pa.timestamp("ns", "UTC")), "iso8601").tolist() == [1610533805.25]
    assert parse_times(pa.array([date(2021, 1, 13)]), "iso8601").tolist() == [1610496000]


def test_a_spreadsheet_may_write_times_with_a_comma():
    values = ["1,61E+09", "1,62E+09", "1609459200,5"]
    assert find_format(values) == "unix"
    assert parse_times(pa.array(values), "unix").tolist() == [1_610_000_000, 1_620_000_000, 1_609_459_200.5]


def test_packed_dates_may_be_numbers():
    assert parse_times(pa.array([20210113, 20210114]), "%Y%m%d").tolist() == [1610496000, 1610582400]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8.81E+08", True),
        ("1.61e9", True),
        ("1,61E+09", True),
        ("881250949", False),
        ("8.812509491E+08", False),
        ("2021-01-13", False),
    ],
)
def test_times_that_lost_their_digits_are_seen(text, said):
    assert is_rounded(text) == said


def test_placeholders_are_usual_ones_far_from_the_other_times():
    def days(*texts: str) -> set[int]:
        return {date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal() for text in texts}

    found = find_placeholders(np.array([*SECONDS, 0.0, np.nan]))
    assert days("1900-01-01", "1970-01-01", "9999-12-31", "1899-12-30") <= found
    assert not days("1970-01-01", "1969-12-31") & find_placeholders(np.arange(0.0, 30 * 86_400, 86_400))
    assert find_placeholders(np.array([np.nan])) == frozenset()
