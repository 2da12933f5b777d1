"""`atalaya versions` and `python -m pipeline.versions`: list, show, roll back and prune pushed versions."""

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console

from components.pusher import folder, inventory
from components.pusher.inventory import Version
from pipeline.commands import versions_view as view
from pipeline.reporting import terminal
from schemas import layout
from schemas.errors import DataError
from schemas.settings import RECOMMENDER_NAME

_BAD_INPUT = 2


def main(arguments: list[str] | None = None, prog: str = "python -m pipeline.versions") -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.
      prog: name of the command in its help.

    Returns:
      The exit status: 0, or 2 if there is no such version or it cannot be used.
    """
    options = _parser(prog).parse_args(arguments)
    try:
        result = options.command(options)
    except DataError as error:
        terminal.print_error(error)
        return _BAD_INPUT
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; the newest version is unchanged", file=sys.stderr)
        return _BAD_INPUT
    if options.json:
        print(json.dumps(result))
    else:
        terminal.show_any_text()
        # Without a set width, tables get the one they need.
        options.show(result, Console(width=None if sys.stdout.isatty() else 120, highlight=False, emoji=False))
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="List, show, roll back or prune pushed versions.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--serving", type=Path, default=Path("serving"), help="folder of the recommenders (default: %(default)s)"
    )
    common.add_argument("--json", action="store_true", help="JSON instead of text")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", parents=[common], help="all versions with their metrics and verdicts")
    listing.add_argument("name", metavar="NAME", nargs="?", type=_name, help="one recommender (default: all)")
    listing.set_defaults(command=_list, show=view.show_list)

    showing = commands.add_parser("show", parents=[common], help="one version with its model card")
    showing.add_argument("name", metavar="NAME", type=_name, help="the recommender")
    showing.add_argument("version", metavar="VERSION", type=_number, help="number of the version")
    showing.set_defaults(command=_show, show=view.show_version)

    back = commands.add_parser("rollback", parents=[common], help="make an earlier version the newest one again")
    back.add_argument("name", metavar="NAME", type=_name, help="the recommender")
    back.add_argument("version", metavar="VERSION", type=_number, help="number of the earlier version")
    back.set_defaults(command=_rollback, show=view.show_rollback)

    pruning = commands.add_parser("prune", parents=[common], help="remove old versions, never the newest blessed")
    pruning.add_argument("name", metavar="NAME", nargs="?", type=_name, help="one recommender (default: all)")
    pruning.add_argument("--keep", metavar="N", type=_number, required=True, help="how many to keep, at least 1")
    pruning.set_defaults(command=_prune, show=view.show_prune)
    return parser


def _name(text: str) -> str:
    if not re.fullmatch(RECOMMENDER_NAME, text):
        raise argparse.ArgumentTypeError(f"a name of lower-case letters, digits, - and _ is expected, got {text!r}")
    return text


def _number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"a number from 1 is expected, got {text!r}")
    return int(text)


def _base(options: argparse.Namespace) -> Path:
    """Folder of the named recommender's versions."""
    there = _names(options.serving)
    if options.name not in there:
        raise DataError(
            f"{options.serving}: no recommender {options.name!r}; there are: {', '.join(there) or 'none'}; "
            "--serving names another folder"
        )
    return options.serving / options.name


def _bases(options: argparse.Namespace) -> list[Path]:
    """The folder of the named recommender, or those of all."""
    return [_base(options)] if options.name else [options.serving / name for name in _names(options.serving)]


def _names(serving: Path) -> list[str]:
    if not serving.is_dir():
        raise DataError(f"{serving}: no such folder; run the pipeline first, or name the folder with --serving")
    return sorted(
        path.name for path in serving.iterdir() if path.is_dir() and re.fullmatch(RECOMMENDER_NAME, path.name)
    )


def _list(options: argparse.Namespace) -> list[dict[str, Any]]:
    return [
        {
            "name": base.name,
            "versions": [_described(version, base) for version in inventory.versions(base)],
            "foreign": inventory.foreign(base),
        }
        for base in _bases(options)
    ]


def _described(version: Version, base: Path) -> dict[str, Any]:
    """The facts of a version that a list shows."""
    evaluation = version.card.evaluation if version.card else None
    return {
        "version": version.number,
        "newest": version.folder == layout.newest(base),
        "blessed": evaluation.blessed if evaluation else None,
        "metrics": {
            record.metric: _as_json(record, {"value", "lower", "upper"})
            for record in (evaluation.metrics if evaluation else ())
            if not record.slice
        },
        "withdrawn": (version.origin.sha256 or inventory.digest([version.folder])) in inventory.withdrawn_models(base),
        "copy_of": version.origin.copy_of,
        "rolled_back_from": version.origin.rolled_back_from,
        "problem": version.problem,
    }


def _as_json(record: BaseModel, include: set[str] | None = None) -> dict[str, Any]:
    # Through text: only there does NaN become null.
    return json.loads(record.model_dump_json(include=include))


def _show(options: argparse.Namespace) -> dict[str, Any]:
    base = _base(options)
    version = inventory.find(base, options.version)
    described = _described(version, base)
    if version.origin.sha256 not in (None, inventory.digest([version.folder])):
        described["problem"] = described["problem"] or "its files are not those that were pushed"
    card = _as_json(version.card) if version.card else None
    return {"name": base.name, "folder": str(version.folder), **described, "card": card}


def _rollback(options: argparse.Namespace) -> dict[str, Any]:
    base = _base(options)
    newest, outcome = folder.rollback(options.version, base, int(time.time()))
    origin = inventory.find(base, int(newest.name)).origin
    return {
        "name": base.name,
        "folder": str(newest),
        "version": int(newest.name),
        "is_new": outcome == "new",
        "asked_for": options.version,
        "rolled_back_from": origin.rolled_back_from if outcome == "new" else None,
    }


def _prune(options: argparse.Namespace) -> list[dict[str, Any]]:
    result = []
    for base in _bases(options):
        removed = folder.prune(base, options.keep)
        left = inventory.versions(base)
        result.append(
            {
                "name": base.name,
                "removed": [version.number for version in removed],
                "kept": [version.number for version in left if not version.problem],
                "left_alone": {str(version.number): version.problem for version in left if version.problem}
                | {name: "no version number" for name in inventory.foreign(base)},
            }
        )
    return result


if __name__ == "__main__":
    sys.exit(main())
