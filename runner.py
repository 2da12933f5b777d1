"""The command line of the repository's root: parse the options, then call one function of `pipeline`."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pipeline.commands import actions
from pipeline.process_exit import leave


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status, as `--help` describes it.
    """
    options = _options(arguments)
    source = actions.Source(options.config, options.ratings, options.items)
    return actions.perform(partial(_action(options), verbose=options.verbose), source, options.fast)


def _action(options: argparse.Namespace) -> Callable[..., int]:
    """What the options ask for; takes the settings and `verbose`."""
    if options.local:
        return partial(actions.run, is_inferred=bool(options.ratings and not options.config))
    if options.compile_only:
        compile_ = actions.compile_for_vertex if options.vertex else actions.compile_for_kubeflow
        return partial(compile_, output=options.output)
    if options.schedule is not None:
        return partial(actions.set_schedule, cron=options.schedule)
    if options.list_schedules:
        return actions.list_schedules
    if options.unschedule:
        return actions.remove_schedule
    return partial(actions.submit, wait=options.wait)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="runner.py",
        description="Atalaya: from a log of interactions to a gated, servable, on-device-ready recommender.",
        epilog=f"`atalaya` has the same as sub-commands. {actions.EXIT_STATUSES}",
    )
    platforms = parser.add_mutually_exclusive_group(required=True)
    platforms.add_argument("--local", action="store_true", help="run the pipeline on this machine")
    platforms.add_argument("--kubeflow", action="store_true", help="submit the pipeline to Kubeflow Pipelines")
    platforms.add_argument("--vertex", action="store_true", help="with --compile-only: for Vertex AI Pipelines")
    actions.add_options(parser)
    actions.add_fast(parser)
    actions.add_data(parser.add_argument_group("with --local", "Without them, --config names the data files."))
    kubeflow = parser.add_argument_group("with --kubeflow", "Without them, the pipeline is uploaded and a run started.")
    kubeflow.add_argument("--wait", action="store_true", help="follow the run to its end")
    instead = kubeflow.add_mutually_exclusive_group()
    instead.add_argument("--compile-only", action="store_true", help="write the pipeline to a file without sending it")
    instead.add_argument(
        "--schedule", metavar="CRON", help='run it on a schedule, six fields: "0 0 3 * * *"; or @daily'
    )
    instead.add_argument("--list-schedules", action="store_true", help="show all schedules of the server")
    instead.add_argument("--unschedule", action="store_true", help="remove the recommender's schedule")
    kubeflow.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="with --compile-only: a .yaml, for Vertex .json"
    )
    options = parser.parse_args(arguments)
    _check(options, parser)
    return options


def _check(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Ends the process with status 2 if options do not go together."""
    given = {
        "--wait": options.wait,
        "--compile-only": options.compile_only,
        "--schedule": options.schedule is not None,
        "--list-schedules": options.list_schedules,
        "--unschedule": options.unschedule,
        "-o": options.output,
    }
    named = [option for option, is_given in given.items() if is_given]
    if options.ratings and not options.local:
        parser.error("--ratings: only with --local; --config names the data files elsewhere")
    if options.items and not options.ratings:
        parser.error("--items: only with --ratings")
    if options.local and named:
        parser.error(f"{', '.join(named)}: not with --local, which runs the pipeline once, on this machine")
    if options.vertex and (named != ["--compile-only", "-o"]):
        parser.error("--vertex: with --compile-only and -o FILE, and no other of these options: nothing is sent there")
    if options.compile_only and not options.output:
        parser.error("--compile-only needs -o FILE, such as -o pipeline.yaml")
    if options.output and not options.compile_only:
        parser.error("-o: only with --compile-only")
    if options.wait and len(named) > 1:
        parser.error(f"--wait: not with {', '.join(named[1:])}, which start no run")


if __name__ == "__main__":
    leave(main())
