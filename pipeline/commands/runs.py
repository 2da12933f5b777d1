"""The sub-commands of `atalaya` that run, submit, compile and schedule the pipeline.

Each takes its arguments and the name that its help shows, and returns the exit status.
"""

import argparse
from functools import partial
from pathlib import Path

from pipeline.commands import actions


def run(arguments: list[str], prog: str) -> int:
    """Runs the pipeline on this machine."""
    parser = _parser(prog, "Run the pipeline on this machine.")
    actions.add_data(parser)
    options = parser.parse_args(arguments)
    if options.items and not options.ratings:
        parser.error("--items: only with --ratings")
    action = partial(actions.run, verbose=options.verbose, is_inferred=bool(options.ratings and not options.config))
    return actions.perform(action, actions.Source(options.config, options.ratings, options.items), options.fast)


def submit(arguments: list[str], prog: str) -> int:
    """Starts a run on Kubeflow Pipelines."""
    parser = _parser(prog, "Upload the pipeline to Kubeflow Pipelines and start a run.")
    parser.add_argument("--wait", action="store_true", help="follow the run to its end")
    options = parser.parse_args(arguments)
    action = partial(actions.submit, wait=options.wait, verbose=options.verbose)
    return actions.perform(action, actions.Source(options.config), options.fast)


def compile_to_file(arguments: list[str], prog: str) -> int:
    """Writes the pipeline for a platform to a file."""
    parser = _parser(prog, "Write the pipeline for a platform to a file, without sending it.")
    parser.add_argument("platform", choices=("kubeflow", "vertex"), help="Kubeflow Pipelines or Vertex AI Pipelines")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="a .yaml file, for Vertex AI .json"
    )
    options = parser.parse_args(arguments)
    compile_ = actions.compile_for_vertex if options.platform == "vertex" else actions.compile_for_kubeflow
    return actions.perform(
        partial(compile_, output=options.output, verbose=options.verbose), actions.Source(options.config), options.fast
    )


def schedule(arguments: list[str], prog: str) -> int:
    """Sets, lists or removes schedules on Kubeflow Pipelines."""
    parser = argparse.ArgumentParser(
        prog=prog, description="Schedules on Kubeflow Pipelines.", epilog=actions.EXIT_STATUSES
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    setting = commands.add_parser("set", help="make a schedule the recommender's only one, with the current pipeline")
    setting.add_argument("cron", metavar="CRON", help='six fields, such as "0 0 3 * * *", or @daily')
    actions.add_fast(setting)
    listing = commands.add_parser("list", help="show all schedules of the server")
    removing = commands.add_parser("remove", help="remove the recommender's schedule")
    for command in (setting, listing, removing):
        actions.add_options(command)
    options = parser.parse_args(arguments)
    if options.command == "set":
        action = partial(actions.set_schedule, cron=options.cron, verbose=options.verbose)
        return actions.perform(action, actions.Source(options.config), options.fast)
    chosen = actions.list_schedules if options.command == "list" else actions.remove_schedule
    return actions.perform(partial(chosen, verbose=options.verbose), actions.Source(options.config))


def _parser(prog: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=description, epilog=actions.EXIT_STATUSES)
    actions.add_options(parser)
    actions.add_fast(parser)
    return parser
