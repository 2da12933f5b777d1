import pytest

from pipeline.kubeflow import cron
from schemas.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 * * *", r"five fields.*the seconds first: \"0 0 3 \* \* \*\""),
        ("* 0 3 * * *", "second \\(a number\\)"),
        ("*/5 0 3 * * *", "second \\(a number\\)"),
        ("60 0 3 * * *", "second \\(a number\\)"),
        ("0 0 3 * * * 2027", "six fields are expected"),
        ("@Daily", "six fields are expected.*or one of .*@daily"),
        ("@every 1h", "six fields are expected"),
        ("", "six fields are expected"),
        ("0 99 77 x y z", "the minute is '99', where numbers from 0 to 59 are expected"),
        ("0 0 24 * * *", "the hour is '24', where numbers from 0 to 23"),
        ("0 0 8-24 * * *", "the hour is '8-24'"),
        ("0 0 18-8 * * *", "the hour is '18-8'"),
        ("0 0 1-2-3 * * *", "the hour is '1-2-3'"),
        ("0 0 -1 * * *", "the hour is '-1'"),
        ("0 */0 * * * *", r"the minute is '\*/0'"),
        ("0 */2/2 * * * *", "the minute is"),
        ("0 */x * * * *", "the minute is"),
        ("0 1,,2 * * * *", "the minute is '1,,2'"),
        ("0 jan * * * *", "the minute is 'jan'"),
        ("0 0 0 0 * *", "the day of the month is '0', where numbers from 1 to 31"),
        ("0 0 0 L * *", "the day of the month is 'L'"),
        ("0 0 0 * 13 *", r"the month is '13', where numbers from 1 to 12 \(or jan to dec\)"),
        ("0 0 0 * mon *", "the month is 'mon'"),
        ("0 0 0 * * 7", r"the day of the week is '7', where numbers from 0 to 6 \(or sun to sat\)"),
        ("0 0 3 30 2 *", "there is no such date: the month has 29 days at most"),
        ("0 0 3 31 4-6/2,nov ?", "there is no such date: the month has 30 days at most"),
        ("0 0 0 * * sunday", "the day of the week is 'sunday'"),
        ("0 60 0 * * *", "the minute is '60'"),
        ("0 0-60 0 * * *", "the minute is '0-60'"),
        ("0 0 0 32 * *", "the day of the month is '32'"),
        ("0 0 0 * 0 *", "the month is '0'"),
    ],
)
def test_what_the_scheduler_would_not_read_or_read_otherwise_is_refused(text, expected):
    with pytest.raises(SettingsError, match=f"^schedule .*{expected}"):
        cron.check(text)


@pytest.mark.parametrize(
    "text",
    [
        "@daily",
        "@midnight",
        "0 0 3 * * *",
        "0 0 0 1 1 0",  # the least of each field
        "59 59 23 31 12 6",  # the most
        "59 0-59 0-23 1-31 1-12 0-6",
        "59 */15 8-18 ? * MON-FRI",
        "0 0,30 0 1,15,31 jan-Mar,12 ?",
        "05 10/20 0-22/2 * * sun,3-6",
        "0 0 0 ?/2 */100 0",
        "0 0 0 29 feb *",
        "0 0 0 31 2-3 *",  # not in February, but in March
        "0 0 0 31 2/2 ?",  # 2/2: each second month from February on
        "0 0 0 30 2 mon",  # on Mondays too
    ],
)
def test_what_the_scheduler_reads_passes(text):
    cron.check(text)
