"""`atalaya`: the pipeline, its models and its data by one command.

A sub-command's module is imported when the sub-command is called, so that `atalaya --help` takes no time.
"""

import argparse
import importlib
import sys
from typing import NamedTuple, NoReturn

_FAILED = 1
_BROKEN_PIPE = 141
"""The status that a shell reports of a program that SIGPIPE ended: what reads the output has gone."""


class _Command(NamedTuple):
    module: str
    """Below `pipeline.commands`."""
    function: str
    """Takes its arguments and, as `prog`, the name that its help shows; returns the exit status."""
    help: str


COMMANDS = {
    "inspect": _Command("inspect", "main", "look at data files before a run"),
    "run": _Command("runs", "run", "run the pipeline on this machine"),
    "submit": _Command("runs", "submit", "start a run on Kubeflow Pipelines"),
    "compile": _Command("runs", "compile_to_file", "write the pipeline for Kubeflow Pipelines or Vertex AI to a file"),
    "schedule": _Command("runs", "schedule", "set, list or remove schedules on Kubeflow Pipelines"),
    "recommend": _Command("recommend", "main", "ask the newest pushed model"),
    "versions": _Command("versions", "main", "list, show, roll back or prune pushed versions"),
    "data": _Command("data", "main", "fetch or check a public data set"),
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="atalaya",
        description="From a log of interactions to a gated, servable, on-device-ready recommender.",
        epilog="`atalaya COMMAND --help` describes a command.",
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.help, add_help=False)
    name = parser.parse_args(given[:1]).name
    command = COMMANDS[name]
    call = getattr(importlib.import_module(f"pipeline.commands.{command.module}"), command.function)
    try:
        return call(given[1:], prog=f"atalaya {name}")
    except KeyboardInterrupt:
        from pipeline.commands.actions import stopped

        return stopped()


def program() -> NoReturn:
    """Runs `atalaya` and ends the process with its exit status."""
    from pipeline.process_exit import leave

    try:
        status = main()
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        status = _BROKEN_PIPE
    except OSError as error:
        print(f"{error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        status = _FAILED
    leave(status)


if __name__ == "__main__":
    program()
