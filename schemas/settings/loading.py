"""Reading the settings from a file, with messages that name the key, what is allowed and what came."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

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
        return tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}; give an existing file with --config") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


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


def _problems(error: ValidationError) -> list[str]:
    """One line for each problem: the key's path, what is allowed, what came."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: {_unknown(key, _section(problem['loc'][:-1]))}")
        elif problem["type"] == "missing":
            lines.append(f"{key}: missing, and it has no default")
        else:
            came = problem["input"]
            # Of a whole table, the message itself says what is wrong with it.
            got = "" if isinstance(came, dict | list | Section) else f"; got {came!r}"
            lines.append(f"{key}: ".removeprefix(": ") + problem["msg"].removeprefix("Value error, ") + got)
    return lines


_REMOVED = {"features.history_length": "examples hold no histories any more"}
"""Keys that were settings once, and why they are not needed."""


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


def _section(location: tuple[int | str, ...]) -> type[Section]:
    section: Any = Settings
    for part in location:
        if hasattr(section, "model_fields"):
            section = section.model_fields[str(part)].annotation
        else:  # of a table by name or a list of tables: what each holds
            section = next(argument for argument in get_args(section) if argument not in (str, ...))
    return section
