"""Counts of rows read and examples written, and checks that they are usable."""

from collections.abc import Iterable
from typing import Any

from recommender.sources.rows import Reject
from schemas.errors import DataError
from schemas.settings import DataSettings, SplitSettings

Counts = dict[tuple[str, ...], Any]
"""Numbers by path, e.g. ("splits", "train", "rows"); merging adds them, except those whose path ends in `min` or `max`.

Beam picks a coder by the declared type: `float` would turn whole numbers into fractions.
"""

SHOWN_REJECTS = 5


def merge_counts(parts: Iterable[Counts]) -> Counts:
    """Returns the counts of all parts together."""
    merged: Counts = {}
    for part in parts:
        for path, value in part.items():
            together = {"min": min, "max": max}.get(path[-1], lambda one, other: one + other)
            merged[path] = together(merged[path], value) if path in merged else value
    return merged


def as_tree(counts: Counts) -> dict[str, Any]:
    """Returns the counts as nested dictionaries, keys in order."""
    tree: dict[str, Any] = {}
    for path in sorted(counts):
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = counts[path]
    return tree


def has_ratings(counts: Counts) -> bool:
    """Whether a log has ratings: without any, or if all are equal, it is implicit feedback.

    Args:
      counts: of all rows; ("ratings", "min") and ("ratings", "max") are the lowest and highest rating if there are any.
    """
    return ("ratings", "min") in counts and counts["ratings", "min"] < counts["ratings", "max"]


def check_rejects(summary: dict[str, Any], rejects: list[Reject], max_share: float, listed_in: str) -> None:
    """Checks that few enough rows of each file were rejected.

    Raises:
      DataError: more than `max_share` of a file's rows were rejected; the message names the list, `listed_in`.
    """
    for file, counts in summary["files"].items():
        if counts["rejected"] <= max_share * counts["rows"]:
            continue
        shown = [
            f"  line {reject.line}: {reject.reason}" + (f": {reject.value!r}" if reject.value else "")
            for reject in rejects
            if reject.file == file
        ]
        raise DataError(
            f"{file}: {counts['rejected']:,} of {counts['rows']:,} rows cannot be used "
            f"({counts['rejected'] / counts['rows']:.2%}); at most {max_share:.2%} may be rejected. The first:\n"
            + "\n".join(shown[:SHOWN_REJECTS])
            + f"\nThe list is in {listed_in}. Fix the rows, or raise data.max_reject_share"
        )


def check_enough(summary: dict[str, Any], data: DataSettings, split: SplitSettings) -> None:
    """Checks that there is something to learn and something to evaluate.

    Raises:
      DataError: no rows, one user, one item, a split by time without times, or an empty split.
    """
    ratings = summary["ratings"]
    if not ratings.get("rows"):
        raise DataError(f"{data.ratings}: no row can be used; expected events of at least two users and two items")
    for kind in ("users", "items"):
        if ratings[kind] < 2:
            raise DataError(
                f"{data.ratings}: one {kind[:-1]} only; expected at least two {kind}. "
                f"Check that data.columns.{kind[:-1]} names the right column"
            )
    _check_described(summary, data)
    if split.method == "time" and not ratings["timed"]:
        raise DataError(
            f'{data.ratings}: no event has a time, which split.method = "time" needs. Set split.method to "random" or '
            '"last", or name the column of the times in data.columns.timestamp'
        )
    for name in ("train", "eval"):
        if not summary["splits"][name]["rows"]:
            raise DataError(_empty_split(name, summary, data, split))


def _check_described(summary: dict[str, Any], data: DataSettings) -> None:
    missing, num_items = summary.get("rated_items_not_described", 0), summary["splits"]["train"].get("items", 0)
    if num_items - missing < data.min_described_share * num_items and data.items:
        rated, described = (", ".join(map(repr, summary["examples"][name])) for name in ("not_described", "described"))
        raise DataError(
            f"{data.items}: has {num_items - missing:,} of the {num_items:,} rated items; expected at least a share of "
            f"{data.min_described_share:g} (data.min_described_share). Rated: {rated}; in the items file: {described}. "
            "Check data.item_columns.item, and that both files write ids the same way"
        )


def _empty_split(name: str, summary: dict[str, Any], data: DataSettings, split: SplitSettings) -> str:
    rows = summary["ratings"]["rows"]
    if split.method == "random":
        return (
            f"{data.ratings}: the {name} split is empty: none of {rows:,} events fell into it. "
            f"Provide more events, or change split.eval_share ({split.eval_share:g}) or split.seed"
        )
    if split.method == "last":
        return (
            f"{data.ratings}: the {name} split is empty: of {rows:,} events none is the last of a user who has others, "
            'of other items. Provide users with several events, or set split.method to "random"'
        )
    return (
        f"{data.ratings}: the {name} split is empty: of {rows:,} events {summary['splits']['train']['rows']:,} are "
        f"before the timestamp {summary['cut']} at which evaluation starts, and {summary['repeats']['left_out']:,} "
        f"later ones repeat a user and item of those. Change split.eval_share ({split.eval_share:g}), or set "
        'split.method to "random"'
    )
