"""An inspection of data files before a run: what they are, how they would be read, and what is suspicious."""

import argparse
import json
from pathlib import Path

from rich.console import Console

from pipeline.commands.actions import Source
from pipeline.reporting.data import as_json, counting_rows, show
from pipeline.reporting.terminal import print_error
from recommender.sources.inspection import inspect
from schemas.errors import DataError, SettingsError
from schemas.whole import whole

_REFUSED = 2
_STATUSES = "Exit status: 0, or 2 if a run would refuse the data."


def main(arguments: list[str], prog: str) -> int:
    """Inspects the files that the arguments name; returns the exit status."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    if not options.ratings and not options.config:
        parser.error("expected files of ratings or events, or --config")
    if options.items and not options.ratings:
        parser.error("--items: only with RATINGS; --config names its own")
    try:
        settings = Source(options.config, options.ratings, options.items).load()
        with counting_rows(Console(stderr=True)) as progress:
            inspection = inspect(settings, progress)
        if options.write and inspection.is_usable:
            with whole(options.write) as partial:
                partial.write_text(inspection.as_toml(), encoding="utf-8")
    except (DataError, SettingsError) as error:
        print_error(error)
        return _REFUSED
    except OSError as error:
        print_error(f"{options.write}: cannot be written: {error.strerror}; give a path in an existing folder")
        return _REFUSED
    if options.json:
        print(json.dumps(as_json(inspection), ensure_ascii=False))
    else:
        show(inspection, Console(highlight=False, emoji=False))
        if options.write:
            print(
                f"written: {options.write}"
                if inspection.is_usable
                else f"{options.write} was not written: fix the errors"
            )
    return 0 if inspection.is_usable else _REFUSED


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Look at data files as a run would read them: format, columns, counts, rejects, suspicions.",
        epilog=_STATUSES,
    )
    parser.add_argument("ratings", nargs="*", metavar="RATINGS", help="files of ratings or events, or a pattern")
    parser.add_argument("--items", metavar="FILE", help="file of the items: id, title, genres")
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="settings, which take precedence over what is detected"
    )
    parser.add_argument("--write", metavar="FILE", type=Path, help="write a settings file with what was detected")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
