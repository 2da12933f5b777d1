"""`python -m pipeline.recommend`: asks the newest pushed model, and nothing but that."""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas import signatures as names
from schemas.errors import DataError


def main(arguments: list[str] | None = None) -> int:
    """Prints titles, scores and predicted ratings for one user, or for a history.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status: 0, or 2 if there is no pushed model.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline.recommend", description="Asks the newest pushed model.")
    asker = parser.add_mutually_exclusive_group(required=True)
    asker.add_argument("--user", help="user id as in the ratings file; an unknown one gets what is popular")
    asker.add_argument(
        "--history", metavar="ITEM,ITEM,...", help="ids of items that someone chose, oldest first, in place of a user"
    )
    parser.add_argument("--k", type=_count, default=10, help="how many items (default: %(default)s)")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("serving/movielens-100k"),
        help="folder of the versions (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args(arguments)
    try:
        version = newest_version(options.model)
        rows = _recommend(version, options.user, options.history, options.k)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    asked = {"user_id": options.user} if options.history is None else {"history": options.history.split(",")}
    if options.json:
        print(json.dumps({"version": version.name, **asked, "items": rows}))
    else:
        who = f"User {options.user}" if options.history is None else f"History {options.history}"
        _show(rows, f"{who}, version {version.name}")
    return 0


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number from 1 is expected, got {text!r}")
    return int(text)


def newest_version(folder: Path) -> Path:
    """The pushed version with the highest number.

    Raises:
      DataError: the folder holds no version.
    """
    versions = [path for path in folder.glob("*") if path.name.isdigit()]
    if not versions and (folder / "saved_model.pb").exists():
        raise DataError(f"{folder}: this is a version itself; give the folder above it with --model")
    if not versions:
        raise DataError(f"{folder}: no pushed version; run the pipeline first, or give the folder with --model")
    return max(versions, key=lambda path: int(path.name))


def _recommend(version: Path, user: str | None, history: str | None, k: int) -> list[dict[str, str | float]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    import tensorflow as tf

    try:
        signatures = tf.saved_model.load(str(version)).signatures
        recommend = signatures[names.RECOMMEND if history is None else names.RECOMMEND_FROM_HISTORY]
    except (OSError, KeyError, tf.errors.OpError) as error:
        raise DataError(f"{version}: not a version that was pushed whole: {error}; push the model again") from error
    if history is None:
        asked = {names.USER_ID: tf.constant([user])}
    else:
        now = tf.constant([int(time.time())], tf.int64)
        asked = {names.HISTORY_ITEM_ID: tf.constant([history.split(",")]), names.TIMESTAMP: now}
    outputs = recommend(**asked, **{names.K: tf.constant(k)})
    columns = [outputs[name][0].numpy() for name in (names.ITEM_ID, names.TITLE, names.SCORE, names.RATING)]
    return [
        {
            names.ITEM_ID: item.decode(),
            names.TITLE: title.decode(errors="replace"),
            names.SCORE: float(score),
            names.RATING: float(rating),
        }
        for item, title, score, rating in zip(*columns, strict=True)
        # Fewer than k items left: the rest is padding.
        if item
    ]


def _show(rows: list[dict[str, str | float]], title: str) -> None:
    table = Table("", "item", "title", "score", "predicted rating", title=escape(title), title_justify="left")
    for place, row in enumerate(rows, start=1):
        score, rating = f"{row[names.SCORE]:.3f}", f"{row[names.RATING]:.2f}"
        table.add_row(str(place), escape(str(row[names.ITEM_ID])), escape(str(row[names.TITLE])), score, rating)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
