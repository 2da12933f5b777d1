"""One look at data files before a run: what they are, how they would be read, and what is suspicious."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from recommender.sources.data_files import as_settings, locate
from recommender.sources.layouts import Layout
from recommender.sources.profile import Profile, profile
from recommender.sources.settings_file import recommender_name, write_settings
from recommender.sources.suspicions import Suspicion, as_iso, find_suspicions, reject_reasons
from schemas.errors import DataError, SettingsError
from schemas.settings import DataSettings, Settings, check, read_tree
from schemas.whole import whole

_REFUSED = 2
_STATUSES = "Exit status: 0, or 2 if a run would refuse the data."
_SHOWN_REASONS = 8
_SHOWN_SUSPICIONS = 12


class Inspected(NamedTuple):
    """settings: with the files that were named. profile: of the data. suspicions: errors first."""

    settings: Settings
    profile: Profile
    suspicions: list[Suspicion]

    @property
    def is_usable(self) -> bool:
        """Whether a run would accept the data."""
        return all(suspicion.severity != "error" for suspicion in self.suspicions)


def main(arguments: list[str], prog: str) -> int:
    """Inspects the files that the arguments name; returns the exit status."""
    options = _parser(prog).parse_args(arguments)
    try:
        settings = settings_of(options.ratings, options.items, options.config)
        inspected = inspect(settings, sys.stderr.isatty())
        if options.write and inspected.is_usable:
            with whole(options.write) as partial:
                partial.write_text(toml_of(inspected), encoding="utf-8")
    except (DataError, SettingsError) as error:
        print(printable(str(error)), file=sys.stderr)
        return _REFUSED
    if options.json:
        print(json.dumps(as_json(inspected), ensure_ascii=False))
    else:
        show(inspected, Console(highlight=False))
        if options.write:
            print(f"written: {options.write}" if inspected.is_usable else f"{options.write} was not written: fix the errors")
    return 0 if inspected.is_usable else _REFUSED


def settings_of(ratings: Sequence[str], items: str | None, config: Path | None) -> Settings:
    """Returns settings for files by their paths, and what a settings file says in addition.

    Raises:
      SettingsError: there are neither paths nor settings, or the settings are wrong.
    """
    tree: dict[str, Any] = read_tree(config) if config else {}
    if ratings:
        data = tree.get("data", {})
        kept = items or (data.get("items", "") if "folder" in data else "")
        if items is None and kept:
            items = str(Path(str(data["folder"])) / kept)
        tree = {"name": recommender_name(ratings[0]), **tree, "data": {**data, **as_settings(ratings, items)}}
    elif not config:
        raise SettingsError("expected files of ratings or events, or --config with a settings file; got neither")
    return check(tree, str(config or "the files"))


def inspect(settings: Settings, shows_progress: bool = False) -> Inspected:
    """Reads all files.

    Raises:
      DataError: a file cannot be read, or something cannot be decided.
    """
    files = locate(settings.data)
    columns = SpinnerColumn(), TextColumn("reading: {task.completed:,.0f} rows")
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shows_progress) as bar:
        task = bar.add_task("reading")
        found = profile(files.ratings, files.items, settings.data, files.base, lambda n: bar.update(task, completed=n))
    return Inspected(settings, found, find_suspicions(found, settings.data))


def toml_of(inspected: Inspected) -> str:
    """Returns a settings file that reads the data as they were read."""
    return write_settings(inspected.profile, inspected.settings.data, inspected.settings.name)


def as_json(inspected: Inspected) -> dict[str, Any]:
    """Returns what was found as one object."""
    found = inspected.profile
    first = found.ratings.layouts[0]
    rating = found.rating
    counts = found.counts.values()
    return {
        "format": first.format,
        "encoding": first.encoding if first.format != "parquet" else None,
        "delimiter": first.dialect.delimiter.decode() if first.format == "csv" else None,
        "header": first.header is not None,
        "columns": {role: first.column(role) for role in first.columns},
        "rows": sum(file.rows for file in counts),
        "accepted": found.accepted,
        "rejected": sum(file.rejected for file in counts),
        "reasons": reject_reasons(found.counts),
        "users": len(found.users),
        "items": len(found.rated),
        "first": as_iso(found.first),
        "last": as_iso(found.last),
        "rating": rating._asdict() if rating else None,
        "events": found.events,
        "repeats": found.repeats,
        "described_items": found.described_items,
        "suspicions": [suspicion._asdict() for suspicion in inspected.suspicions],
    }


def show(inspected: Inspected, console: Console) -> None:
    """Prints what was found on one screen."""
    found = inspected.profile
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _facts(found, inspected.settings.data):
        table.add_row(label, escape(printable(value)))
    console.print(table)
    for text, count in list((reject_reasons(found.counts) | reject_reasons(found.item_counts)).items())[:_SHOWN_REASONS]:
        console.print(f"  {count:,} rejected: {escape(printable(text))}")
    for suspicion in inspected.suspicions[:_SHOWN_SUSPICIONS]:
        color = "red" if suspicion.severity == "error" else "yellow"
        text = escape(printable(suspicion.text))
        console.print(f"[{color}]{suspicion.severity}[/] {suspicion.code}: {text}", soft_wrap=True)
    if len(inspected.suspicions) > _SHOWN_SUSPICIONS:
        console.print(f"... {len(inspected.suspicions)} suspicions in all; --json lists them")


def printable(text: str) -> str:
    """Returns the text with characters that are not printable, except line ends, as visible escapes."""
    return "".join(sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in text)


def _facts(found: Profile, data: DataSettings) -> Iterator[tuple[str, str]]:
    first = found.ratings.layouts[0]
    yield "events", f"{', '.join(found.counts)}: {_format(first)}"
    for role in ("user", "item", "rating", "timestamp", "event"):
        if role in first.columns:
            yield f"  {role}", f"column {first.column(role)!r} ({found.ratings.reasons[role]}){_how(first, role)}"
        elif role in ("rating", "timestamp"):
            without = {"rating": "none: implicit feedback", "timestamp": "none: the order is that of the file"}
            yield f"  {role}", without[role]
    yield "rows", f"{sum(file.rows for file in found.counts.values()):,}, of which {found.accepted:,} are used"
    yield "", (
        f"{len(found.users):,} users, {len(found.rated):,} items, {found.accepted / max(1, len(found.users)):.1f} events a "
        f"user, {found.repeats:,} repeats of a user and item"
    )
    if found.first is not None:
        yield "time", f"{as_iso(found.first)} to {as_iso(found.last)}"
    if found.rating:
        yield "rating", f"{found.rating.min:g} to {found.rating.max:g}, mean {found.rating.mean:.3g}"
    if found.events:
        shown = sorted(found.events.items(), key=lambda pair: -pair[1])[:10]
        yield "event types", ", ".join(f"{name} {count:,}" for name, count in shown)
    if found.items:
        layout = found.items.layouts[0]
        yield "items file", f"{', '.join(found.item_counts)}: {_format(layout)}"
        for role in layout.columns:
            yield f"  {role}", f"column {layout.column(role)!r} ({found.items.reasons[role]})"
        yield "", f"it has {found.described_items:,} of the {len(found.rated):,} rated items"
        common = ", ".join(f"{name} {count:,}" for name, count in found.genres.most_common(5))
        yield "genres", f"{len(found.genres):,}" + (f": {common}" if common else "")
    if data.merge_names:
        yield "merged names", f"{found.merged_names:,} spellings"


def _format(layout: Layout) -> str:
    if layout.format != "csv":
        return {"parquet": "Parquet", "jsonl": "JSON lines"}[layout.format]
    delimiter = layout.dialect.delimiter.decode()
    header = "a header" if layout.header else "no header"
    compressed = f", {layout.compression}" if layout.compression else ""
    return f"CSV{compressed}, {layout.encoding}, delimiter {delimiter!r}, {header}"


def _how(layout: Layout, role: str) -> str:
    if role == "timestamp":
        return f", format {layout.timestamp_format}"
    if role == "rating" and layout.counts:
        return ", counts"
    return f", decimal mark {layout.decimal!r}" if role == "rating" and layout.decimal == "," else ""


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Look at data files as a run would read them: format, columns, counts, rejects, suspicions.",
        epilog=_STATUSES,
    )
    parser.add_argument("ratings", nargs="*", metavar="RATINGS", help="files of ratings or events, or a pattern")
    parser.add_argument("--items", metavar="FILE", help="file of the items: id, title, genres")
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings, which stand above what is found")
    parser.add_argument("--write", metavar="FILE", type=Path, help="write a settings file with what was found")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
