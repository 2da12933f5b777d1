"""Content that a parser stumbles over: each row is read or rejected, or the file refused."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet
import pytest

from recommender.sources.profile import profile
from schemas.errors import DataError
from schemas.settings import DataSettings

EVENTS = [{"user": f"u{n % 7}", "item": f"i{n % 11}", "rating": n % 5} for n in range(80)]


def read(tmp_path, content):
    """Returns the profile of a file of these bytes."""
    path = tmp_path / "events"
    path.write_bytes(content)
    return profile([str(path)], [], DataSettings(folder=tmp_path))


def parquet(columns):
    sink = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def json_lines(records):
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"user": "a", "item": "\\ud800", "rating": 1}', "not JSON: half of a surrogate pair"),
        ('{"user": "a", "item": "b", "x": ' + "[" * 90_000 + "]" * 90_000 + "}", "not JSON: nested too deeply"),
    ],
    ids=["surrogate", "deep"],
)
@pytest.mark.parametrize("place", [0, 40])
def test_a_line_of_json_that_cannot_be_text_or_is_too_deep_is_rejected(tmp_path, line, reason, place):
    lines = json_lines(EVENTS).splitlines()
    found = read(tmp_path, b"\n".join([*lines[:place], line.encode(), *lines[place:]]))
    (counts,) = found.counts.values()
    assert (counts.accepted, counts.reasons) == (80, {reason: 1})
    assert counts.examples[0].line == place + 1


def test_a_line_of_json_that_is_not_utf_8_is_rejected(tmp_path):
    accented = "".join(json.dumps(event | {"item": "é"}, ensure_ascii=False) + "\n" for event in EVENTS).encode()
    found = read(tmp_path, accented + b'{"user": "a\xf5", "item": "b", "rating": 1}\n')
    (counts,) = found.counts.values()
    assert (counts.accepted, counts.reasons) == (80, {"not JSON: not UTF-8": 1})


def test_ids_in_json_that_exceed_64_bits_stay_exact(tmp_path):
    found = read(tmp_path, json_lines(event | {"user": 10**19 + n % 7} for n, event in enumerate(EVENTS)))
    assert set(found.users.index) == {str(10**19 + n) for n in range(7)}


@pytest.mark.parametrize(
    ("role", "values"),
    [
        ("user", pa.array([[event["user"]] for event in EVENTS])),
        ("item", pa.array([{"id": event["item"]} for event in EVENTS])),
        ("rating", pa.array([[event["rating"]] for event in EVENTS], pa.large_list(pa.int64()))),
    ],
)
def test_a_column_of_lists_or_objects_is_refused_by_name(tmp_path, role, values):
    columns = {name: [event[name] for event in EVENTS] for name in ("user", "item", "rating")}
    with pytest.raises(DataError, match=rf"column '{role}'.*lists or objects.*data\.columns\.{role}"):
        read(tmp_path, parquet({**columns, role: values}))


def test_events_within_sessions_are_refused(tmp_path):
    records = [{"session": n, "events": [{"aid": n % 11, "type": "clicks"}]} for n in range(40)]
    with pytest.raises(DataError, match=r"column 'events'.*lists or objects"):
        read(tmp_path, json_lines(records))


def test_ids_in_parquet_may_be_durations_and_must_be_utf_8(tmp_path):
    columns = {name: [event[name] for event in EVENTS] for name in ("user", "item", "rating")}
    ids = [b"\xff" if n == 5 else event["item"].encode() for n, event in enumerate(EVENTS)]
    found = read(
        tmp_path, parquet({**columns, "item": ids, "user": pa.array([n % 7 for n in range(80)], "duration[s]")})
    )
    (counts,) = found.counts.values()
    assert (len(found.users), len(found.rated)) == (7, 11)
    assert (counts.accepted, counts.rejected) == (79, 1)


def test_a_tar_archive_is_named(tmp_path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("ratings.csv"), io.BytesIO())
    with pytest.raises(DataError, match="tar archive; extract it"):
        read(tmp_path, sink.getvalue())
