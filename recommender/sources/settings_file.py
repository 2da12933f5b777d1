"""A settings file with what was found in the data."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recommender.sources.layouts import Layout
from recommender.sources.profile import Profile
from schemas.settings import DataSettings, Settings

_GENERIC = {
    "ratings",
    "rating",
    "events",
    "event",
    "interactions",
    "data",
    "log",
    "clicks",
    "reviews",
    "u",
    "train",
    "out",
}
_LONGEST_NAME = 63


def recommender_name(path: str) -> str:
    """Returns a name for a recommender: that of its ratings file, after the folder's if the file's says little."""
    place = Path(path).absolute()
    stem = _plain(place.name.split(".")[0])
    name = f"{_plain(place.parent.name)}-{stem}" if stem in _GENERIC else stem
    return name.strip("-_")[:_LONGEST_NAME].rstrip("-_") or "recommender"


def write_settings(profile: Profile, settings: Settings) -> str:
    """Returns a TOML file, with comments, that reads the files as they were read, and has the other settings given."""
    others = settings.model_dump(mode="json", exclude={"name", "data"}, exclude_unset=True)
    lines = [*_lines(profile, settings.data, settings.name)]
    for section, tree in others.items():
        lines += _table(section, tree)
    return "\n".join(lines) + "\n"


def _table(header: str, tree: dict[str, Any], brackets: str = "[]") -> Iterator[str]:
    """Yields a table of settings and those within it."""
    if brackets != "[]" or any(not _is_table(value) for value in tree.values()):
        yield ""
        yield f"{brackets[0] * (len(brackets) // 2)}{header}{brackets[-1] * (len(brackets) // 2)}"
    for key, value in tree.items():
        if value is not None and not _is_table(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _table(f"{header}.{_key(key)}", value)
        elif _is_table(value):
            for entry in value:
                yield from _table(f"{header}.{_key(key)}", entry, "[[]]")


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_")[:_LONGEST_NAME]


def _lines(profile: Profile, data: DataSettings, name: str) -> Iterator[str]:
    first = profile.ratings.layouts[0]
    layouts = [*profile.ratings.layouts, *(profile.items.layouts if profile.items else [])]
    texts = [layout for layout in layouts if layout.format == "csv"]
    yield f"name = {_value(name)}"
    yield ""
    yield "[data]"
    yield f"folder = {_value(str(data.folder))}  # relative to where a run starts"
    yield f"ratings = {_value(data.ratings if isinstance(data.ratings, str) else list(data.ratings))}"
    yield f"items = {_value(data.items or '')}" + ("" if data.items else "  # none: the catalogue is every rated item")
    encoded = [layout for layout in layouts if layout.format != "parquet"]
    yield from _common("encoding", [layout.encoding for layout in encoded])
    yield from _common("delimiter", [layout.dialect.delimiter.decode() for layout in texts])
    yield from _common("header", [layout.header is not None for layout in texts])
    if "timestamp" in first.columns:
        yield f"timestamp_format = {_value(first.timestamp_format)}"
    if "rating" in first.columns:
        yield f"decimal = {_value(first.decimal)}"
        yield f"rating_means = {_value('count' if first.counts else 'rating')}"
    for key in ("no_rating", "rating_scale", "null_values", "merge_names", "repeats", "genre_separator"):
        if key in data.model_fields_set and (value := getattr(data, key)) is not None:
            yield f"{key} = {_value(list(value) if isinstance(value, tuple) else value)}"
    for key in ("min_described_share", "max_reject_share"):
        if key in data.model_fields_set:
            yield f"{key} = {_value(getattr(data, key))}"
    yield ""
    yield '[data.columns]  # names, or numbers from 1 without a header; "" for none'
    yield from _columns(first, ("user", "item", "rating", "timestamp", "event"), profile.ratings.reasons)
    if profile.items:
        yield ""
        yield "[data.item_columns]"
        yield from _columns(profile.items.layouts[0], ("item", "title", "genres"), profile.items.reasons)
    if profile.events or data.events:
        yield ""
        yield "[data.events]  # the weight of each type; a type that is not listed is left out"
        weights = {event.casefold(): weight for event, weight in data.events.items()}
        for event, count in sorted((profile.events or {}).items(), key=lambda pair: -pair[1]):
            yield f"{_value(event)} = {_value(weights.get(event.casefold(), 1))}  # {count:,} events"
        found = {event.casefold() for event in profile.events or {}}
        for event, weight in data.events.items():
            if event.casefold() not in found:
                yield f"{_value(event)} = {_value(weight)}  # no events"


def _columns(layout: Layout, roles: tuple[str, ...], reasons: dict[str, str]) -> Iterator[str]:
    for role in roles:
        if role in layout.columns:
            column = layout.column(role)
            if layout.header and layout.header.count(str(column)) > 1:
                column = layout.columns[role] + 1
            yield f"{role} = {_value(column)}  # {_comment(reasons[role])}"
        else:
            yield f'{role} = ""'


def _common(key: str, values: list[str] | list[bool]) -> Iterator[str]:
    """Yields a setting that applies to all files, or a comment if they differ."""
    if values and len(set(values)) == 1:
        yield f"{key} = {_value(values[0])}"
    elif values:
        yield f"# {key}: {', '.join(dict.fromkeys(_value(value) for value in values))}, found for each file"


def _comment(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\xa1-\uffff]", " ", text)


def _value(value: str | int | float | bool | list[str]) -> str:
    """Returns a value in TOML, whose strings, numbers and lists of them are written as in JSON, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
