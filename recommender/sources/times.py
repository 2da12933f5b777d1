"""Times of events: their format, found in the data, and whole columns as seconds since 1970-01-01 UTC."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timezone
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from recommender.sources.numbers import of_distinct

UNITS = {"unix": 1, "unix_ms": 10**3, "unix_us": 10**6, "unix_ns": 10**9}
"""Of a second, by format."""
LATEST_SECONDS = 253_402_300_799
"""The end of the year 9999."""
DAY = 86_400
PLACEHOLDERS = tuple(
    (date.fromisoformat(text) - date(1970, 1, 1)).days
    for text in ("0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1969-12-31", "1970-01-01",
                 "2099-12-31", "2999-12-31", "9999-12-31")
)  # fmt: skip
"""Days since 1970 that programs write where no time is known."""
_YEAR = 366 * DAY
_FITTING = 0.9
"""Share of the distinct values that a format must fit."""

_ISO = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?"
_ZONE = r" ?(?:Z|UTC|[+-]\d{2}:?(?:\d{2})?)"
_ISO_8601 = re.compile(f"{_ISO}(?:{_ZONE})?")
_DIGITS = re.compile(r"-?\d{9,19}(?:[.,]\d*)?|-?\d+(?:[.,]\d+)?[eE]\+?\d+")
_PACKED = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_NUMERIC = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[/.\- ])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})"
    r"(?:(?P<space>,? |T)(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?P<fraction>\.\d+)?)?(?P<half> ?[AaPp][Mm])?)?"
)
_MONTHS = [
    f"{day}{clock}"
    for day in ("%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y",
                "%a, %d %b %Y", "%a %b %d %Y")
    for clock in ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", ", %H:%M", " %H:%M:%S %z", " %H:%M:%S GMT")
] + ["%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S UTC %Y"]  # fmt: skip


class Undecided(NamedTuple):
    """Two formats that fit every value. example: a value that differs between them."""

    formats: tuple[str, str]
    example: str


def find_format(values: Collection[str]) -> str | Undecided | None:
    """Finds the format of times, as in the setting `data.timestamp_format`; None if they are no times.

    Args:
      values: some of the column, without empty ones.
    """
    distinct = list(dict.fromkeys(values))
    if not distinct:
        return None
    if _share(_ISO_8601, distinct) >= _FITTING:
        return "iso8601"
    if (found := _packed(distinct)) or (found := _unix(distinct)):
        return found
    if _share(_NUMERIC, distinct) >= _FITTING:
        return _numeric(distinct)
    fitting = {text: _fitting(distinct, text) for text in _MONTHS} if any(c.isalpha() for c in distinct[0]) else {}
    best = max(fitting, key=lambda text: fitting[text], default=None)
    return best if best and fitting[best] >= _FITTING else None


def is_rounded(text: str) -> bool:
    """Whether a time was written with so few digits that it is lost, as by a spreadsheet: `1.61E+09`."""
    return re.fullmatch(r"-?\d(?:[.,]\d{1,5})?[eE]\+?\d+", text) is not None


def find_placeholders(seconds: np.ndarray) -> frozenset[int]:
    """Returns the days, since 1970, that mean that no time is known: usual ones more than a year from the median.

    Args:
      seconds: [n] of a sample, NaN for values that are no times.
    """
    known = seconds[np.isfinite(seconds)]
    if not len(known):
        return frozenset()
    median = float(np.median(known))
    return frozenset(day for day in PLACEHOLDERS if abs(day * DAY - median) > _YEAR)


def parse_times(values: pa.Array, timestamp_format: str) -> np.ndarray:
    """Returns [num_rows] float64 seconds since 1970-01-01 UTC, NaN where a value does not fit the format.

    Args:
      values: [num_rows] texts, numbers in the format's unit, or Arrow's timestamps and dates.
      timestamp_format: as in `data.timestamp_format`, but not `auto`.
    """
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        nanoseconds = values.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        return _floats(nanoseconds) / 1e6
    if not pa.types.is_string(values.type):
        if timestamp_format in UNITS:
            return _floats(values) / UNITS[timestamp_format]
        values = values.cast(pa.int64(), safe=False).cast(pa.string())
    if timestamp_format in UNITS:
        return _parse_unix(values) / UNITS[timestamp_format]
    if timestamp_format == "iso8601":
        return _parse_uniform_iso(values) if len(values) else np.zeros(0)
    return of_distinct(values, lambda texts: _parse_formatted(texts, timestamp_format))


def _parse_uniform_iso(values: pa.Array) -> np.ndarray:
    """Parses times that are all with a zone, or all without; others one by one."""
    for zone in (None, "UTC"):
        try:
            return _floats(values.cast(pa.timestamp("us", zone)).cast(pa.int64())) / 1e6
        except pa.ArrowInvalid:
            continue
    return of_distinct(values, _parse_iso)


def _floats(values: pa.Array) -> np.ndarray:
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _parse_unix(values: pa.Array) -> np.ndarray:
    try:
        return _floats(values.cast(pa.int64()))
    except pa.ArrowInvalid:
        return of_distinct(
            values, lambda texts: pd.to_numeric(pd.Series(map(_pointed, texts), dtype=object), errors="coerce")
        )


def _pointed(text: str) -> str:
    """A number with a decimal point, as spreadsheets also write a comma: `1,61E+09`."""
    return text.replace(",", ".")


def _parse_iso(texts: list[str]) -> np.ndarray:
    # With a point for a comma, which pandas 2 does not read.
    fitting = [text.replace(",", ".") if _ISO_8601.fullmatch(text) else None for text in texts]
    return _seconds(fitting, lambda value: datetime.fromisoformat(_for_python(value)), **_EACH_ITS_OWN)


_EACH_ITS_OWN: dict[str, Any] = {"format": "ISO8601"} if int(pd.__version__.split(".")[0]) >= 2 else {}


def _for_python(text: str) -> str:
    """ISO 8601 as Python 3.10 reads it, which knows neither `Z` nor every fraction."""
    found = re.fullmatch(r"([^.,]*?\d)([.,]\d+)?(?:" + _ZONE.replace("(?:", "((?:", 1) + r"))?", text)
    assert found, text
    zone = (found[3] or "").strip().replace("UTC", "Z")
    return found[1] + ("+00:00" if zone in ("", "Z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}")


def _parse_formatted(texts: list[str], timestamp_format: str) -> np.ndarray:
    return _seconds(texts, lambda value: datetime.strptime(value, timestamp_format), format=timestamp_format)


def _seconds(texts: Sequence[str | None], parse: Callable[[str], datetime], **how: Any) -> np.ndarray:
    """Returns seconds by pandas, and by `parse` beyond the years that pandas knows."""
    times = pd.to_datetime(pd.Series(texts, dtype=object), errors="coerce", utc=True, **how)
    seconds = ((times - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)).to_numpy(np.float64)
    unknown = [(place, text) for place in np.flatnonzero(np.isnan(seconds)) if (text := texts[place]) is not None]
    for place, text in unknown[:_PARSED_APART]:
        try:
            moment = parse(text)
        except (ValueError, OverflowError):
            continue
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        seconds[place] = (zoned - _EPOCH).total_seconds()
    return seconds


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_PARSED_APART = 10_000
"""Distinct values of a block beyond the years 1677 to 2262: placeholders, of which there are few, and errors."""


def _share(pattern: re.Pattern[str], values: Sequence[str]) -> float:
    return sum(bool(pattern.fullmatch(value)) for value in values) / len(values)


def _packed(values: list[str]) -> str | None:
    """Returns the format of dates without signs between, such as 20210113."""
    length = Counter(map(len, values)).most_common(1)[0][0]
    if length not in _PACKED or _share(re.compile(r"(19|20)\d{6}(\d{4})?(\d\d)?"), values) < _FITTING:
        return None
    return _PACKED[length] if _fitting(values, _PACKED[length]) >= _FITTING else None


def _unix(values: list[str]) -> str | None:
    """Returns the unit in which the middle value lies between 1980 and 2100."""
    if _share(_DIGITS, values) < _FITTING:
        return None
    middle = float(np.median([abs(float(_pointed(value))) for value in values if _DIGITS.fullmatch(value)]))
    return next((name for name, unit in UNITS.items() if 315_532_800 <= middle / unit < 4_102_444_800), None)


def _numeric(values: list[str]) -> str | Undecided | None:
    """Returns the format of dates such as 13/1/2021 10:30, the day or the month first."""
    matches = [match for value in values if (match := _NUMERIC.fullmatch(value))]
    mark = matches[0]["mark"]
    first_parts, last_parts = [match["a"] for match in matches], [match["c"] for match in matches]
    year_first = sum(len(part) == 4 for part in first_parts) > len(matches) / 2
    if year_first:
        return _with_clock(f"%Y{mark}%m{mark}%d", matches)
    year = "%Y" if sum(len(part) == 4 for part in last_parts) > len(matches) / 2 else "%y"
    day_first, month_first = (_with_clock(order.replace("/", mark) + year, matches) for order in ("%d/%m/", "%m/%d/"))
    above = Counter(place for match in matches for place in ("a", "b") if int(match[place]) > 12)
    if above["a"] != above["b"]:
        return day_first if above["a"] > above["b"] else month_first
    differing = next((match[0] for match in matches if int(match["a"]) != int(match["b"])), None)
    return Undecided((day_first, month_first), differing) if differing else day_first


def _with_clock(date: str, matches: list[re.Match[str]]) -> str:
    """Adds the format of the time of day that most values have."""
    shapes = Counter((m["space"], bool(m["second"]), bool(m["fraction"]), len(m["half"] or "")) for m in matches)
    space, has_seconds, has_fraction, half = shapes.most_common(1)[0][0]
    if space is None:
        return date
    clock = f"{'%I' if half else '%H'}:%M" + (":%S" if has_seconds else "") + (".%f" if has_fraction else "")
    return f"{date}{space}{clock}" + ("", "", "%p", " %p")[half]


def _fitting(values: list[str], timestamp_format: str) -> float:
    return sum(_fits(value, timestamp_format) for value in values[:200]) / len(values[:200])


def _fits(value: str, timestamp_format: str) -> bool:
    try:
        datetime.strptime(value, timestamp_format)
    except ValueError:
        return False
    return True
