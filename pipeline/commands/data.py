"""`atalaya data`: fetches and checks public data sets."""

import argparse
import shlex
import sys

from pipeline.commands import datasets

_BAD_DATA = 2


def main(arguments: list[str], prog: str) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line.
      prog: name of the command in its help.

    Returns:
      The exit status: 0, or 2 if the data set cannot be fetched or is not complete.
    """
    parser = argparse.ArgumentParser(prog=prog, description="Public data sets as CSV files.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fetching = commands.add_parser("fetch", help="fetch a data set, unless its files are there already")
    fetching.set_defaults(command=datasets.fetch)
    checking = commands.add_parser("check", help="report whether a data set's files are complete and unchanged")
    checking.set_defaults(command=_check)
    for command in (fetching, checking):
        datasets.add_arguments(command)
    options = parser.parse_args(arguments)
    return options.command(options)


def _check(options: argparse.Namespace) -> int:
    target = options.folder / options.dataset
    if datasets.is_whole(target):
        print(f"{options.dataset}: complete in {target}")
        return 0
    fetch = f"atalaya data fetch {options.dataset} --folder {shlex.quote(str(options.folder))}"
    print(f"{target}: files are missing or changed; `{fetch}` writes them", file=sys.stderr)
    return _BAD_DATA
