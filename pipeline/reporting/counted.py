"""What the first step counted and noticed in the data, as lines for the terminal and as Kubeflow's page."""

import html
from collections.abc import Iterator
from typing import Any

from pipeline.reporting.summary import as_row
from recommender.sources.rows import Note
from recommender.sources.suspicions import NOTES

_SHOWN_CHARACTERS = 60
_SHOWN_NOTES = 20

_REPEATS = {
    "merged": "repeats in the same second, each one event with another: {} rows",
    "replaced": "repeats of a user and item, replaced by a later event: {} events (data.repeats)",
    "left_out": "left out of eval: {} events that repeat a user and item",
}
"""What became of repeats, by their name in the summary of the data."""


def facts(counted: dict[str, Any]) -> Iterator[str]:
    """Yields what the log lacks, and what became of repeats, one fact a line.

    Args:
      counted: the summary of the data, from the step's `summary.json`.
    """
    yield from _kind(counted["ratings"])
    for name, what in _REPEATS.items():
        if repeats := counted["repeats"][name]:
            yield what.format(f"{repeats:,}")
    if repeated := counted.get("items_repeated"):
        yield f"repeats in the items file, of which the first row counts: {repeated:,} rows"
    if missing := counted.get("rated_items_not_described"):
        yield f"rated, but not in the items file, and shown by their ids: {missing:,} items"


def notes(counted: dict[str, Any]) -> Iterator[str]:
    """Yields what is suspicious in the files, at most 20 lines and the number of the others."""
    found = [Note(*values) for values in counted["notes"]]
    for note in found[:_SHOWN_NOTES]:
        place = f"{note.file}, line {note.line}" if note.line else note.file
        value = f" {note.value[:_SHOWN_CHARACTERS]!r}" if note.value.strip('"') else ""
        number = f" ({note.number:,} in all)" if note.number else ""
        yield f"{note.code}: {place}:{value}{number} {NOTES[note.code]}"
    if len(found) > _SHOWN_NOTES:
        yield f"... {len(found)} in all, in the step's summary.json"


def file_rows(counted: dict[str, Any]) -> list[tuple[str, ...]]:
    """Returns a header and a row for each file: its rows, those rejected, and those left out if there are any."""
    keys = ["rows", "rejected"]
    if any(counts["left_out"] for counts in counted["files"].values()):
        keys.append("left_out")
    rows = [(name, *(f"{counts[key]:,}" for key in keys)) for name, counts in counted["files"].items()]
    return [("file", *(key.replace("_", " ") for key in keys)), *rows]


def split_rows(counted: dict[str, Any]) -> list[tuple[str, ...]]:
    """Returns a header and a row for each split."""
    keys = ("rows", "users", "items")
    splits = counted["splits"].items()
    rows = [(name, *(f"{counts[key]:,}" if key in counts else "" for key in keys)) for name, counts in splits]
    return [("split", *keys), *rows]


def markdown(counted: dict[str, Any]) -> str:
    """The files, the splits, the facts and all notes that are shown."""
    lines = ["## Data"]
    for header, *rows in (file_rows(counted), split_rows(counted)):
        lines += ["", as_row(header), as_row(["---"] * len(header)), *map(as_row, rows)]
    lines += ["", *(f"- {line}" for line in (*facts(counted), *notes(counted)))]
    # A page shows HTML, and names and values come from the data.
    return html.escape("\n".join(lines) + "\n", quote=False)


def _kind(ratings: dict[str, Any]) -> Iterator[str]:
    rows, rated, timed = ratings["rows"], ratings["rated"], ratings["timed"]
    if not rated:
        yield "no ratings: implicit feedback, ordered by retrieval alone"
    elif ratings["min"] == ratings["max"]:
        yield f"every rating is {ratings['min']:g}, which counts as no rating: implicit feedback"
    elif rated < rows:
        yield f"without a rating: {rows - rated:,} of {rows:,} events, which count for retrieval alone"
    if not timed:
        yield "no times: events are in the order of the files, and no feature of time is used"
    elif timed < rows:
        yield f"without a time: {rows - timed:,} of {rows:,} events, which count as the earliest"
