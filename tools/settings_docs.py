"""Writes docs/settings.md from the classes of the settings: `python -m tools.settings_docs`."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from schemas.settings import Settings
from schemas.settings.section import Section

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_HEAD = """# Settings

<!-- Written by `make docs` from schemas/settings/: edit that, not this page. -->

The settings of one recommender are in one TOML file, which `atalaya run --config FILE` reads. Only `name` and
`data.folder` are required. An unknown key or a value that is not allowed ends the command with exit status 2 before
anything is run, with a message that gives the key and what is allowed. Relative paths are relative to the working
directory, and a `~` that begins a path is the home folder.

If a key chooses between alternatives, such as `ranking.model`, the settings of each are in a table with the
alternative's name, such as `[ranking.bayesian]`. A file may contain the tables of several alternatives: all are
checked, but only the chosen one has an effect, so that one line switches between them.

In the names of tables, `NAME` is the name of a metric, a feature or a step.
"""
_NAMES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "text", Path: "path"}


def page() -> str:
    """Returns the page in Markdown, with one table for all sections of the same class."""
    titles: dict[type[Section], list[str]] = {}
    for section, title in _sections(Settings, "", ""):
        titles.setdefault(section, []).append(title)
    return _HEAD + "".join(_table(section, titles[section]) for section in titles)


def meaning(section: type[Section], key: str) -> str:
    """Returns the docstring of a key, from the section's class or the next base that has one."""
    bases = (base for base in section.__mro__ if issubclass(base, Section) and key in base.model_fields)
    return " ".join(next(text for base in bases if (text := base.model_fields[key].description)).split())


def _sections(section: type[Section], path: str, title: str) -> Iterator[tuple[type[Section], str]]:
    """Yields the sections, depth first, with their titles as in TOML."""
    yield section, title
    for key, field in section.model_fields.items():
        inner = f"{path}.{key}".removeprefix(".")
        held, name = _held(field.annotation)
        if held is not None:
            inner += name
            yield from _sections(held, inner, f"[[{inner}]]" if get_origin(field.annotation) is tuple else f"[{inner}]")


def _held(annotation: Any) -> tuple[type[Section] | None, str]:
    """Returns the section that is the field's type, element type or value type, and the suffix of its path."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    held, name = annotation, ""
    if origin is tuple:
        held = arguments[0]
    elif origin is dict:
        held, name = arguments[1], ".NAME"
    return (held, name) if _is_section(held) else (None, "")


def _table(section: type[Section], titles: list[str]) -> str:
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in section.model_fields.items():
        if not _is_section(field.annotation):
            cells = (f"`{key}`", _type(field.annotation, field.metadata), _default(field), meaning(section, key))
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    if section is not Settings:
        heading = ", ".join(f"`{title}`" for title in titles)
        lines = [f"## {heading}", "", inspect.cleandoc(section.__doc__ or ""), "", *lines]
    return "\n" + "\n".join(lines) + "\n"


def _is_section(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, Section)


def _type(annotation: Any, metadata: list[Any], many: bool = False) -> str:
    """Describes a type, in the plural if `many`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0], [*metadata, *arguments[1:]], many)
    if origin in (Union, UnionType):
        return " or ".join(_type(argument, metadata, many) for argument in arguments if argument is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin is tuple:
        number = "" if arguments[-1] is ... else f"{len(arguments)} "
        return f"list of {number}{_type(arguments[0], [], many=True)}"
    if origin is dict:
        return f"table of {_type(arguments[1], [], many=True)}"
    name = _NAMES.get(annotation, "table")
    return f"{name}s {_range(metadata)}".rstrip() if many else f"{name} {_range(metadata)}".rstrip()


def _range(metadata: list[Any]) -> str:
    limits = [limit for item in metadata for limit in (item.metadata if isinstance(item, FieldInfo) else [item])]
    signs = ((Ge, "≥"), (Gt, ">"), (Le, "≤"), (Lt, "<"))
    return " and ".join(
        f"{sign} {getattr(limit, kind.__name__.lower())}"
        for limit in limits
        for kind, sign in signs
        if isinstance(limit, kind)
    )


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "absent" if field.default is None else f"`{_toml(field.default)}`"


def _toml(value: Any) -> str:
    if isinstance(value, Section):
        return _toml(value.model_dump(exclude_unset=True))
    if isinstance(value, dict):
        pairs = ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value) if isinstance(value, Path) else value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
