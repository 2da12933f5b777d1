"""`atalaya recommend` and `python -m pipeline.recommend`: ask the newest pushed model."""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.commands import recommend_all, recommend_on_device
from pipeline.commands.ids import one_id, refuse_joined
from pipeline.reporting import terminal
from pipeline.reporting.terminal import escape
from schemas import layout
from schemas import signatures as names
from schemas.errors import DataError

_COLUMNS = {
    names.ITEM_ID: "item",
    names.TITLE: "title",
    names.SCORE: "score",
    names.RETRIEVAL_SCORE: "retrieval score",
    names.RATING: "predicted rating",
}
_WISHES = ("exclude", "genre", "include_seen")


def main(arguments: list[str] | None = None, prog: str = "python -m pipeline.recommend") -> int:
    """Prints titles and scores for one user, for a history, or for an item; or writes a file for all known users.

    Args:
      arguments: of the command line; None reads the process's own.
      prog: name of the command in its help.

    Returns:
      The exit status: 0, or 2 if there is no pushed model, or the file cannot be written.
    """
    parser = argparse.ArgumentParser(prog=prog, description="Ask the newest pushed model.")
    parser.add_argument("--user", help="user id as in the ratings file; an unknown user gets popular items")
    parser.add_argument(
        "--history",
        metavar="ITEM",
        type=one_id,
        action="append",
        help="id of an item that the user chose, instead of the known history; repeat it, the oldest first",
    )
    parser.add_argument("--similar-to", metavar="ITEM", help="similar items, instead of recommendations")
    parser.add_argument("--k", type=_count, help="how many items (default: 10; with --all 100)")
    parser.add_argument(
        "--exclude", metavar="ITEM", type=one_id, action="append", default=[], help="item to leave out; may be repeated"
    )
    parser.add_argument(
        "--genre",
        type=one_id,
        action="append",
        default=[],
        help="only items of this genre or, if it is repeated, of one of these",
    )
    parser.add_argument("--include-seen", action="store_true", help="also show items that the user has seen")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("serving/movielens-100k"),
        help="folder of the versions (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--on-device",
        action="store_true",
        help="ask a TFLite model of user histories, without TensorFlow; with --history",
    )
    parser.add_argument(
        "--on-device-name", metavar="NAME", help="with --on-device: name of the model (default: the first)"
    )
    parser.add_argument(
        "--all", action="store_true", help="write recommendations for all known users to --output, as Parquet"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="with --all: the file to write")
    parser.add_argument("--overwrite", action="store_true", help="with --all: replace an existing file")
    options = parser.parse_args(arguments)
    if options.all:
        _check_all(parser, options)
    elif options.output or options.overwrite:
        parser.error("--output and --overwrite go with --all")
    elif options.on_device:
        _check_on_device(parser, options)
    elif options.on_device_name:
        parser.error("--on-device-name goes with --on-device")
    elif (options.similar_to is None) == (options.user is None and options.history is None):
        parser.error("give --user, --history or both, or --similar-to")
    try:
        version = layout.newest(options.model)
        _quieten()
        if options.all:
            recommend_all.write(version, options.k or 100, options.output, options.overwrite, Console(stderr=True))
            return 0
        if options.on_device:
            answer = recommend_on_device.ask(version, options.on_device_name, options.history, options.k or 10)
        else:
            answer = _ask(version, options)
    except DataError as error:
        terminal.print_error(error)
        return 2
    if options.json:
        print(json.dumps({"version": version.name, **answer}))
    else:
        terminal.show_any_text()
        file = f" {answer['on_device']}" if options.on_device else ""
        _show(answer, f"version {version.name}{file}")
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 is expected, got {text!r}")
    return int(text)


def _check_all(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    _refuse_others(parser, options, "--all", "user", "history", "similar_to", "on_device", "json", *_WISHES)
    if options.output is None:
        parser.error("--all needs --output, the file to write")


def _check_on_device(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    _refuse_others(parser, options, "--on-device", "user", "similar_to", *_WISHES)
    if not options.history:
        parser.error("--on-device needs --history, the ids of items that the user chose")


def _refuse_others(parser: argparse.ArgumentParser, options: argparse.Namespace, asked: str, *others: str) -> None:
    given = [f"--{name.replace('_', '-')}" for name in others if getattr(options, name)]
    if given:
        parser.error(f"{asked} does not go with {', '.join(given)}")


def _quieten() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")


def _ask(version: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The request, what of it is unknown, and `items`, a dictionary for each."""
    import tensorflow as tf

    from recommender.serving.saved_model import load_saved_model

    def given(texts: list[str]) -> list[bytes]:
        # The bytes that the shell passed, valid text or not.
        return [os.fsencode(text) for text in texts]

    try:
        model = load_saved_model(version)
        num_items = int(model.list_items(0, 0)[names.NUM_ITEMS])

        def item_ids() -> set[str]:
            return {os.fsdecode(id_) for id_ in model.list_items(0, num_items)[names.ITEM_ID].numpy()}

        for option, values in (("--history", options.history or []), ("--exclude", options.exclude)):
            refuse_joined(option, values, item_ids)
        common = {
            names.K: min(options.k or 10, num_items),
            names.EXCLUDE: tf.constant([given(options.exclude)], tf.string),
            names.GENRE: tf.constant(given(options.genre), tf.string),
        }
        if options.similar_to is not None:
            outputs = model.similar_items(tf.constant(given([options.similar_to])), **common)
        else:
            outputs = model.recommend(
                tf.constant(given([options.user or ""])),
                history_item_id=tf.constant([given(options.history or [])], tf.string),
                timestamp=tf.constant([int(time.time())], tf.int64),
                include_seen=options.include_seen,
                **common,
            )
    except (OSError, AttributeError, tf.errors.OpError) as error:
        raise DataError(f"{version}: not a complete version: {error}; push the model again") from error
    row = {name: column[0].numpy() for name, column in outputs.items()}
    columns = [name for name in _COLUMNS if name in row]
    items = [
        {name: _plain(value) for name, value in zip(columns, values, strict=True)}
        for values in zip(*(row[name] for name in columns), strict=True)
    ]
    asked = {"user_id": options.user, "history": options.history, "similar_to": options.similar_to}
    return {
        **{name: value for name, value in asked.items() if value is not None},
        names.IS_KNOWN: bool(row[names.IS_KNOWN]),
        names.UNKNOWN_HISTORY: int(row.get(names.UNKNOWN_HISTORY, 0)),
        # If fewer than k items are left, the rest is padding.
        "items": [item for item in items if item[names.ITEM_ID]],
    }


def _plain(value: bytes | np.floating) -> str | float:
    return value.decode(errors="replace") if isinstance(value, bytes) else float(value)


def _unless_known(answer: dict[str, Any]) -> str:
    return "" if answer[names.IS_KNOWN] else " (not known)"


def _show(answer: dict[str, Any], version: str) -> None:
    console = Console(emoji=False)
    if "similar_to" in answer:
        who = f"Like item {answer['similar_to']}" + _unless_known(answer)
    else:
        who = "; ".join(
            [
                *([f"User {answer['user_id']}" + _unless_known(answer)] if "user_id" in answer else []),
                *([f"History {', '.join(answer['history'])}"] if answer.get("history") else []),
            ]
        )
    numbers = [name for name in list(_COLUMNS)[2:] if answer["items"] and name in answer["items"][0]]
    if names.RATING not in numbers:  # without ratings, items are ordered by the retrieval score
        numbers = [name for name in numbers if name != names.RETRIEVAL_SCORE]
    headings = [_COLUMNS[name] for name in numbers]
    console.print(escape(f"{who}, {version}"), style="italic", soft_wrap=True)
    table = Table("", "item", "title", *headings)
    for place, item in enumerate(answer["items"], start=1):
        cells = [f"{item[name]:.3f}" for name in numbers]
        table.add_row(str(place), escape(item[names.ITEM_ID]), escape(item[names.TITLE]), *cells)
    console.print(table)
    if not answer["items"]:
        console.print(
            "No items are left. An unknown item has no similar ones, and genres are spelled as in the items file, each "
            "after its own --genre."
        )
    if answer[names.UNKNOWN_HISTORY]:
        unknown = answer[names.UNKNOWN_HISTORY]
        console.print(f"{unknown} of the {len(answer['history'])} items of the history are not known to this version.")
    if answer.get("unknown_ids"):
        console.print(escape(f"Not known: {', '.join(answer['unknown_ids'])}"), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
