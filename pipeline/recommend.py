"""`python -m pipeline.recommend`: asks the newest pushed model, and nothing but that."""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schemas import signatures as names
from schemas.errors import DataError


def main(arguments: list[str] | None = None) -> int:
    """Prints titles, scores and predicted ratings for one user.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status: 0, or 2 if there is no pushed model.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline.recommend", description="Asks the newest pushed model.")
    parser.add_argument(
        "--user", required=True, help="user id as in the ratings file; an unknown one gets what is popular"
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
        rows = _recommend(version, options.user, options.k)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps({"version": version.name, "user_id": options.user, "items": rows}))
    else:
        _show(rows, f"User {options.user}, version {version.name}")
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


def _recommend(version: Path, user: str, k: int) -> list[dict[str, str | float]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    import tensorflow as tf

    try:
        recommend = tf.saved_model.load(str(version)).signatures[names.RECOMMEND]
    except (OSError, KeyError, tf.errors.OpError) as error:
        raise DataError(f"{version}: not a version that was pushed whole: {error}; push the model again") from error
    outputs = recommend(**{names.USER_ID: tf.constant([user]), names.K: tf.constant(k)})
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
