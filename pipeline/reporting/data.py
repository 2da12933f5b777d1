"""What an inspection found, for people and as JSON."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from pipeline.reporting.terminal import escape
from recommender.sources.inspection import Inspection
from recommender.sources.layouts import Layout
from recommender.sources.profile import Profile
from recommender.sources.suspicions import Suspicion, as_iso, reject_reasons
from schemas.settings import DataSettings

_SHOWN_REASONS = 8
_SHOWN_CHARACTERS = 300
_SHOWN_SUSPICIONS = 12


def as_json(inspection: Inspection) -> dict[str, Any]:
    """Returns what was found as one object."""
    found = inspection.profile
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
        "rating": {"min": rating.min, "max": rating.max, "mean": rating.mean} if rating else None,
        "events": found.events,
        "repeats": found.repeats,
        "described_items": found.described_items,
        "suspicions": [suspicion._asdict() for suspicion in inspection.suspicions],
    }


def show(inspection: Inspection, console: Console) -> None:
    """Prints what was found on one screen."""
    found = inspection.profile
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _facts(found, inspection.settings.data):
        table.add_row(label, escape(value[:_SHOWN_CHARACTERS]))
    console.print(table)
    for text, count in list((reject_reasons(found.counts) | reject_reasons(found.item_counts)).items())[
        :_SHOWN_REASONS
    ]:
        console.print(f"  {count:,} rejected: {escape(text)}")
    show_suspicions(inspection.suspicions, console)


def show_suspicions(suspicions: list[Suspicion], console: Console) -> None:
    """Prints a line for each."""
    for suspicion in suspicions[:_SHOWN_SUSPICIONS]:
        color = "red" if suspicion.severity == "error" else "yellow"
        text = escape(suspicion.text)
        console.print(f"[{color}]{suspicion.severity}[/] {suspicion.code}: {text}", soft_wrap=True)
    if len(suspicions) > _SHOWN_SUSPICIONS:
        console.print(f"... {len(suspicions)} suspicions in all; `atalaya inspect --json` lists them")


@contextlib.contextmanager
def counting_rows(console: Console) -> Iterator[Callable[[int], None]]:
    """Shows the number of rows read, on a terminal; yields a function that takes it."""
    columns = SpinnerColumn(), TextColumn("reading the data: {task.completed:,.0f} rows")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("")
        yield lambda rows: bar.update(task, completed=rows)


def _facts(found: Profile, data: DataSettings) -> Iterator[tuple[str, str]]:
    first = found.ratings.layouts[0]
    yield "events", f"{', '.join(found.counts)}: {_format(first)}"
    for role in ("user", "item", "rating", "timestamp", "event"):
        if role in first.columns:
            yield f"  {role}", f"column {first.column(role)!r} ({found.ratings.reasons[role]}){_how(first, role)}"
        elif role in ("rating", "timestamp"):
            without = {"rating": "none: implicit feedback", "timestamp": "none: the order is that of the file"}
            yield f"  {role}", without[role]
    num_rows = sum(file.rows for file in found.counts.values())
    rejected = sum(file.rejected for file in found.counts.values())
    yield "rows", f"{num_rows:,}, of which {found.accepted:,} are used and {rejected:,} rejected"
    mean = found.accepted / max(1, len(found.users))
    yield (
        "",
        (
            f"{len(found.users):,} users, {len(found.rated):,} items, {mean:.1f} events a user, {found.repeats:,} "
            "repeats of a user and item"
        ),
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
    compressed = f", {layout.compression}" if layout.compression else ""
    if layout.format != "csv":
        return {"parquet": "Parquet", "jsonl": "JSON lines"}[layout.format] + compressed
    delimiter = layout.dialect.delimiter.decode()
    header = "a header" if layout.header else "no header"
    return f"CSV{compressed}, {layout.encoding}, delimiter {delimiter!r}, {header}"


def _how(layout: Layout, role: str) -> str:
    if role == "timestamp":
        return f", format {layout.timestamp_format}"
    if role == "rating" and layout.counts:
        return ", counts"
    return f", decimal mark {layout.decimal!r}" if role == "rating" and layout.decimal == "," else ""
