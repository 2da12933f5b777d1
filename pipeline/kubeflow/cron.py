"""Schedules of Kubeflow Pipelines: the fields of a crontab, preceded by the seconds."""

import re
from typing import NamedTuple

from schemas.errors import SettingsError


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    """Names of the numbers from `least` on."""


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ITEM = re.compile(r"(?:[*?]|(?P<first>[0-9]+|[a-z]+)(?:-(?P<last>[0-9]+|[a-z]+))?)(?:/0*[1-9][0-9]*)?", re.IGNORECASE)
"""An item of a field's list: all numbers, one number or a range, and a step."""


def check(cron: str) -> None:
    """Refuses a schedule that the server's scheduler would reject or misread.

    Raises:
      SettingsError: it is neither a descriptor such as `@daily` nor six fields; its seconds start more than one run a
        minute; a field holds something other than its numbers, its names, `*`, `?`, lists, ranges and steps; or the
        date does not exist.
    """
    if cron in _DESCRIPTORS:
        return
    texts = cron.split()
    if len(texts) == 5:
        # The server would read the minutes as seconds and the hours as minutes: 0 3 * * * as 3 past every hour.
        raise SettingsError(
            f"schedule {cron!r}: five fields, as in a crontab; Kubeflow Pipelines needs six, the seconds first: "
            f'"0 {cron}"'
        )
    if len(texts) != 6 or not re.fullmatch("[0-5]?[0-9]", texts[0]):
        raise SettingsError(
            f"schedule {cron!r}: six fields are expected: second (a number), minute, hour, day of the month, month "
            f'and day of the week, such as "0 0 3 * * *" for three at night; or one of {", ".join(_DESCRIPTORS)}'
        )
    for text, field in zip(texts, _FIELDS, strict=True):
        if not all(_is_of(field, item) for item in text.split(",")):
            names = f" (or {field.names[0]} to {field.names[-1]})" if field.names else ""
            raise SettingsError(
                f"schedule {cron!r}: the {field.name} is {text!r}, where numbers from {field.least} to {field.most}"
                f"{names} are expected, or *, with lists (1,3), ranges (1-3) and steps (*/2)"
            )
    _check_date(cron, *texts[3:])


def _check_date(cron: str, days: str, months: str, weekdays: str) -> None:
    """Refuses a day that none of the months has: the scheduler, which serves all users, would search forever."""
    if weekdays[0] not in "*?":
        return  # a day then needs to fit only one of both
    first = min(_numbers(_FIELDS[3], days))
    longest = max(_DAYS[month - 1] for month in _numbers(_FIELDS[4], months))
    if first > longest:
        raise SettingsError(
            f"schedule {cron!r}: there is no such date: the month has {longest} days at most; give one of them"
        )


def _numbers(field: _Field, text: str) -> set[int]:
    """The numbers of a valid field."""
    numbers: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        match = _ITEM.fullmatch(span)
        assert match
        if match["first"] is None:
            first, last = field.least, field.most
        else:
            first = _number(field, match["first"])
            # `3/2` continues to the end of the range.
            last = _number(field, match["last"]) if match["last"] else field.most if step else first
        numbers |= set(range(first, last + 1, int(step or 1)))
    return numbers


def _is_of(field: _Field, item: str) -> bool:
    match = _ITEM.fullmatch(item)
    if not match:
        return False
    first = match["first"]
    return first is None or field.least <= _number(field, first) <= _number(field, match["last"] or first) <= field.most


def _number(field: _Field, text: str) -> int:
    """The number of a text; -1, which no field allows, for a name that the field does not have."""
    if text.isdigit():
        return int(text)
    return field.least + field.names.index(text.lower()) if text.lower() in field.names else -1
