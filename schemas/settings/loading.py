"""Reading the settings from a file, with messages that name the key, what is allowed and what came."""

import codecs
import json
from collections.abc import Collection
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import tomli
from pydantic import ValidationError

from schemas.errors import SettingsError
from schemas.settings.section import Section
from schemas.settings.tree import Settings


def load(path: Path) -> Settings:
    """Reads one recommender's settings.

    Raises:
      SettingsError: the file cannot be read, is not TOML, or a key is unknown or has a value that is not allowed.
    """
    return check(read_tree(path), str(path))


def read_tree(path: Path) -> dict[str, Any]:
    """Reads the tables of a settings file, unchecked.

    Raises:
      SettingsError: the file cannot be read or is not TOML.
    """
    try:
        return tomli.loads(_text(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}; give an existing file with --config") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}: line {line} is not UTF-8; save the file in this encoding") from error
    except tomli.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


def _text(content: bytes) -> str:
    """The text in UTF-8 or, if it begins with that byte order mark, in UTF-16, as some editors save it."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf16 else "utf-8-sig")


def check(tree: dict[str, Any], source: str) -> Settings:
    """Takes settings as a tree of tables.

    Args:
      tree: values by section and key.
      source: where they come from, for errors.

    Raises:
      SettingsError: a key is unknown or has a value that is not allowed.
    """
    try:
        # As JSON: strict about types, yet a list may become a tuple and a string a path.
        return Settings.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{source}: {line}" for line in _problems(error))) from error


_WORDS = {
    "an object": "a table",
    "a valid array": "a list",
    "a valid dictionary": "a table",
    "Tuple should": "List should",
}
"""Of pydantic's messages, those of JSON and of Python in the words of TOML."""


def _problems(error: ValidationError) -> list[str]:
    """One line for each key: its path, what is allowed, what came."""
    found: dict[str, list[Any]] = {}
    for problem in error.errors():
        keys, _ = _follow(problem["loc"])
        found.setdefault(".".join(keys), []).append(problem)
    # Where several types are allowed, that of the deepest problem is the one that was meant.
    meant = {key: all_ for key, all_ in found.items() if not any(other.startswith(f"{key}.") for other in found)}
    return [f"{key}: ".removeprefix(": ") + _explained(key, problems) for key, problems in meant.items()]


def _explained(key: str, problems: list[Any]) -> str:
    first = problems[0]
    if first["type"] == "extra_forbidden":
        return _unknown(key, _follow(first["loc"][:-1])[1])
    if first["type"] == "missing":
        return "missing, and it has no default"
    said = ", or ".join(dict.fromkeys(problem["msg"].removeprefix("Value error, ") for problem in problems))
    for theirs, ours in _WORDS.items():
        said = said.replace(theirs, ours)
    came = first["input"]
    # Of a whole table, our own messages say what is wrong with it.
    is_said = ", got " in said or (first["type"] == "value_error" and isinstance(came, dict | Section))
    return said.replace(", or Input should", ", or should") + ("" if is_said else f"; got {came!r}")


_WITHOUT_GAIN = (
    "ranking.network.cross_layers",
    "ranking.network.popularity",
    "retrieval.candidate_layers",
    "retrieval.hard_negatives",
    "retrieval.history_half_life",
    "retrieval.item_frequency",
    "retrieval.last_items",
    "retrieval.normalize",
    "retrieval.parts",
    "retrieval.popularity",
    "retrieval.query_layers",
    "retrieval.shared_items",
    "retrieval.targets",
    "retrieval.temperature",
)
_REMOVED = {
    "features.history_length": "examples hold no histories any more",
    "ranking.network.min_improvement": "any improvement counts",
    "retrieval.linear_rank": "it is chosen on held-out training events",
    "retrieval.linear_regularization": "it is chosen on held-out training events",
    "retrieval.min_improvement": "any improvement counts",
    "retrieval.patience": "all epochs are fitted, and the best one counts",
    "retrieval.trend": "with a split by time, recent popularity always counts",
    "retrieval.trend_days": "it is chosen on held-out training events",
    "similar": "similar items have a closed form without settings",
    **dict.fromkeys(_WITHOUT_GAIN, "no measured data set gains from it"),
}
"""Sections and keys that were settings once, and why they are not needed."""


def _unknown(path: str, section: type[Section]) -> str:
    """What to do about a key that its section does not have."""
    if path in _REMOVED:
        return f"it is not needed: {_REMOVED[path]}; remove it"
    parent, _, key = path.rpartition(".")
    if places := [f"{parent}.{name}.{key}" for name, table in _alternatives(section).items() if key in table]:
        return f"it is {' or '.join(places)} now"
    return f"unknown key; allowed here: {', '.join(section.model_fields)}"


def _alternatives(section: type[Section]) -> dict[str, Collection[str]]:
    """The section's tables that one of its keys chooses between, and the keys of each."""
    fields: dict[str, Any] = {name: field.annotation for name, field in section.model_fields.items()}
    choices = {value for annotation in fields.values() for value in get_args(annotation)}
    return {name: annotation.model_fields for name, annotation in fields.items() if name in choices}


def _follow(location: tuple[int | str, ...]) -> tuple[list[str], Any]:
    """The keys of a location, without pydantic's names for the types that a key may have, and the type of its value."""
    keys: list[str] = []
    kind: Any = Settings
    for part in location:
        kinds = _kinds(kind)
        if len(kinds) > 1:
            # Only a list has parts.
            kind = next((one for one in kinds if get_origin(one) is tuple), None)
            continue
        [kind] = kinds
        keys.append(str(part))
        if hasattr(kind, "model_fields"):
            field = kind.model_fields.get(part)
            kind = field.annotation if field else None
        else:  # of a table by name or a list: what each holds
            kind = next((argument for argument in reversed(get_args(kind)) if argument is not ...), None)
    return keys, kind


def _kinds(annotation: Any) -> list[Any]:
    """The types that a value may have, apart from none."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for one in get_args(annotation) if one is not NoneType for kind in _kinds(one)]
    return [annotation]
