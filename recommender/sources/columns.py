"""Rows into typed columns; unusable rows are rejected with their reason."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recommender.sources.layouts import Layout
from recommender.sources.numbers import LARGEST, parse_numbers
from recommender.sources.rows import Parsed, Rows, Source
from recommender.sources.times import DAY, LATEST_SECONDS, parse_times
from schemas.settings import DataSettings

LONGEST_ID = 4_096
"""In bytes."""


def parse_ratings(source: Source, layout: Layout, data: DataSettings) -> Parsed:
    """Reads events.

    Returns:
      The columns `user`, `item` (strings), `rating` (float64, null without one), `timestamp` (int64, seconds since
      1970-01-01 UTC, null without one), `weight` (float64, above 0), `line`, and `event` (string) if there are types.
    """
    rows = Rows(source, layout)
    columns = {role: _ids(rows, role, data) for role in ("user", "item")}
    rating, weight = _ratings(rows, data)
    columns |= {"rating": rating, "timestamp": _timestamps(rows, data)}
    left_out = None
    if "event" in layout.columns:
        columns["event"], event_weight = _events(rows, data)
        left_out = event_weight == 0
        weight = weight * event_weight
    return rows.parsed({**columns, "weight": pa.array(weight)}, left_out)


def parse_items(source: Source, layout: Layout, data: DataSettings) -> Parsed:
    """Reads items: `item`, `title` (the item's id where empty), `genres` (unsplit), all strings, and `line`."""
    rows = Rows(source, layout)
    item = _ids(rows, "item", data)
    title, genres = (_texts(rows, role, data) for role in ("title", "genres"))
    title = pc.if_else(
        pc.equal(title, ""), item, pc.utf8_trim_whitespace(pc.replace_substring_regex(title, r"\s+", " "))
    )
    return rows.parsed({"item": item, "title": title, "genres": genres})


def _ids(rows: Rows, role: str, data: DataSettings) -> pa.Array:
    values = rows.values(role)
    if not pa.types.is_string(values.type):
        values = values.cast(pa.string())
    _find_absent(rows, values, role, role, data)
    text = pc.fill_null(values, "")
    breaks = pc.or_(pc.match_substring(text, "\n"), pc.match_substring(text, "\r"))
    rows.refuse(_mask(breaks), f"{role} contains a line break", text)
    rows.refuse(
        _mask(pc.greater(pc.binary_length(text), LONGEST_ID)), f"{role} is longer than {LONGEST_ID:,} bytes", text
    )
    return text


def _refuse_foreign(rows: Rows, values: pa.Array, role: str) -> None:
    """Rejects text that is not of the file's encoding; CSV fields are null only then."""
    if rows.layout.format == "csv" and values.null_count:
        rows.refuse(_mask(values.is_null()), f"{role} is not {rows.layout.encoding.upper()}")


def _ratings(rows: Rows, data: DataSettings) -> tuple[pa.Array, np.ndarray]:
    """Returns the ratings, and the weights that counts have."""
    if "rating" not in rows.layout.columns:
        return pa.nulls(len(rows), pa.float64()), np.ones(len(rows))
    what = "count" if rows.layout.counts else "rating"
    values = rows.values("rating")
    number = parse_numbers(values, rows.layout.decimal)
    absent = _find_absent(rows, values, "rating", what, data)
    rows.refuse(~np.isfinite(number) & ~absent, f"{what} is not a finite number", values)
    rows.refuse(np.abs(number) > LARGEST, f"{what} is beyond {LARGEST:,.0f}", values)
    if rows.layout.counts:
        is_count = (number > 0) & ~np.isin(number, data.no_rating)
        rows.refuse(~is_count & ~np.isin(number, data.no_rating), "count is not above 0", values)
        return pa.nulls(len(rows), pa.float64()), np.log2(1 + np.where(is_count, number, 1))
    is_rated = ~np.isin(number, data.no_rating) & ~absent
    if data.rating_scale:
        lowest, highest = data.rating_scale
        outside = ((number < lowest) | (number > highest)) & is_rated
        rows.refuse(outside, f"rating is outside data.rating_scale [{lowest:g}, {highest:g}]", values)
    return pa.array(number, mask=~is_rated), np.ones(len(rows))


def _timestamps(rows: Rows, data: DataSettings) -> pa.Array:
    if "timestamp" not in rows.layout.columns:
        return pa.nulls(len(rows), pa.int64())
    values, written = rows.values("timestamp"), rows.layout.timestamp_format
    seconds = parse_times(values, written)
    absent = _find_absent(rows, values, "timestamp", "timestamp", data)
    rows.refuse(~np.isfinite(seconds) & ~absent, f"timestamp does not fit the format {written!r}", values)
    rows.refuse(
        np.abs(seconds) > LATEST_SECONDS, f"timestamp is beyond the year 9999 in the format {written!r}", values
    )
    usable = np.isfinite(seconds) & (np.abs(seconds) <= LATEST_SECONDS)
    whole = np.floor(np.where(usable, seconds, 0)).astype(np.int64)
    is_placeholder = np.isin(whole // DAY, list(rows.layout.placeholders)) & usable
    rows.note("placeholder-time", is_placeholder, values)
    return pa.array(whole, mask=is_placeholder | absent)


def _events(rows: Rows, data: DataSettings) -> tuple[pa.Array, np.ndarray]:
    """Returns the types of the events, and their weights; 0 for those that are left out."""
    values = rows.values("event").cast(pa.string())
    _find_absent(rows, values, "event", "event", data)
    values = pc.fill_null(values, "")
    if not data.events:
        return values, np.ones(len(rows))
    weights = {name.casefold(): weight for name, weight in data.events.items()}
    encoded = values.dictionary_encode()
    names, indices = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    for number, name in enumerate(names):
        if name.casefold() not in weights:
            rows.note("event-without-weight", indices == number, values)
        elif name not in data.events:
            rows.note("event-letter-case", indices == number, values)
    found = np.array([weights.get(name.casefold(), 0.0) for name in names], np.float64)
    return values, found[indices] if len(names) else np.zeros(0)


def _texts(rows: Rows, role: str, data: DataSettings) -> pa.Array:
    if role not in rows.layout.columns:
        return pa.array([""] * len(rows), pa.string())
    values = rows.values(role)
    if pa.types.is_nested(values.type):
        values = pa.array([data.genre_separator.join(map(str, row or ())) for row in values.to_pylist()], pa.string())
    _refuse_foreign(rows, values, role)
    text = pc.fill_null(values.cast(pa.string()), "")
    return pc.if_else(pc.is_in(text, value_set=pa.array(data.null_values, pa.string())), "", text)


def _find_absent(rows: Rows, values: pa.Array, role: str, name: str, data: DataSettings) -> np.ndarray:
    """Finds rows without a value, [num_rows] bool: they are rejected, or noted if the layout says that they may be."""
    _refuse_foreign(rows, values, role)
    is_empty = _mask(pc.fill_null(_is_empty(values), True))
    is_null = np.zeros(len(values), bool)
    if pa.types.is_string(values.type):
        is_null = _mask(pc.is_in(values, value_set=pa.array(data.null_values, pa.string())))
    if role in rows.layout.optional:
        rows.note(f"no-{role}", is_empty | is_null, values)
        return is_empty | is_null
    rows.refuse(is_empty, f"{name} is empty")
    rows.refuse(is_null, f"{name} is a null value", values)
    return np.zeros(len(values), bool)


def _is_empty(values: pa.Array) -> pa.Array:
    return pc.equal(values, "") if pa.types.is_string(values.type) else values.is_null()


def _mask(array: pa.BooleanArray) -> np.ndarray:
    return array.to_numpy(zero_copy_only=False).astype(bool)
