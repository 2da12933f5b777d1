"""The command line: parse, load the settings, call one function of `pipeline`."""

import argparse
import os
import sys
from pathlib import Path

from pipeline import tensorflow_environment
from schemas import environment
from schemas.errors import DataError, ServiceError, SettingsError
from schemas.settings import Settings, fast, load

CONFIGS = Path(__file__).parent / "pipeline" / "configs"
_FAILED, _BAD_INPUT, _STOPPED = 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status, as `--help` tells it.
    """
    options = _options(arguments)
    try:
        settings = load(options.config)
        if options.fast:
            settings = fast(settings)
        tensorflow_environment.prepare()
        return _local(settings, options) if options.local else _elsewhere(settings, options)
    except (SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    except ServiceError as error:
        print(error, file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return _STOPPED
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; nothing was pushed", file=sys.stderr)
        return _FAILED


def _local(settings: Settings, options: argparse.Namespace) -> int:
    from pipeline import local

    return local.run(settings, options.verbose)


def _elsewhere(settings: Settings, options: argparse.Namespace) -> int:
    from pipeline.kubeflow import client as kubeflow_client
    from pipeline.kubeflow import compile as kubeflow
    from pipeline.kubeflow import cron
    from pipeline.kubeflow import schedule as kubeflow_schedule
    from pipeline.vertex import compile as vertex

    if options.schedule is not None:
        cron.check(options.schedule)
    settings = settings.model_copy(update={"kubeflow": environment.overridden(settings.kubeflow, os.environ)})
    if options.compile_only:
        compile_pipeline = (vertex if options.vertex else kubeflow).compile_pipeline
        return kubeflow_client.write(compile_pipeline, settings, options.output, options.verbose)
    credentials = environment.credentials(os.environ)
    if options.schedule:
        return kubeflow_schedule.schedule(settings, credentials, options.schedule, options.verbose)
    if options.list_schedules:
        return kubeflow_schedule.list_schedules(settings, credentials, options.verbose)
    if options.unschedule:
        return kubeflow_schedule.unschedule(settings, credentials, options.verbose)
    return kubeflow_client.submit(settings, credentials, options.wait, options.verbose)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="runner.py",
        description="Atalaya: from a CSV of ratings to a gated, servable, on-device-ready recommender.",
        epilog="Exit status: 0 pushed, unchanged or submitted, 1 a step or the server failed, 2 bad settings, data or "
        "options, 3 the model was refused (of a run on Kubeflow, its step pusher tells).",
    )
    platforms = parser.add_mutually_exclusive_group(required=True)
    platforms.add_argument("--local", action="store_true", help="run the pipeline on this machine")
    platforms.add_argument("--kubeflow", action="store_true", help="submit the pipeline to Kubeflow Pipelines")
    platforms.add_argument("--vertex", action="store_true", help="with --compile-only: for Vertex AI Pipelines")
    parser.add_argument(
        "--config",
        type=Path,
        default=CONFIGS / "movielens-100k.toml",
        help="settings of the recommender, a TOML file (default: MovieLens 100K)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="train in less time: no second fit with the ratings held out of the first, no own model of similar items",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the libraries' log on the terminal too")
    kubeflow = parser.add_argument_group("beside --kubeflow", "Alone, it uploads the pipeline and starts a run.")
    kubeflow.add_argument("--wait", action="store_true", help="follow the run to its end")
    instead = kubeflow.add_mutually_exclusive_group()
    instead.add_argument("--compile-only", action="store_true", help="write the pipeline to a file and send it nowhere")
    instead.add_argument(
        "--schedule", metavar="CRON", help='run it again and again, six fields: "0 0 3 * * *"; or @daily'
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
    """Ends the process with status 2 where options do not go together."""
    given = {
        "--wait": options.wait,
        "--compile-only": options.compile_only,
        "--schedule": options.schedule is not None,
        "--list-schedules": options.list_schedules,
        "--unschedule": options.unschedule,
        "-o": options.output,
    }
    named = [option for option, is_given in given.items() if is_given]
    if options.local and named:
        parser.error(f"{', '.join(named)}: not with --local, which runs it once, here and now")
    if options.vertex and (named != ["--compile-only", "-o"]):
        parser.error("--vertex: with --compile-only and -o FILE, and nothing else of these: we send nothing there")
    if options.compile_only and not options.output:
        parser.error("--compile-only needs -o FILE, such as -o pipeline.yaml")
    if options.output and not options.compile_only:
        parser.error("-o: only with --compile-only")
    if options.wait and len(named) > 1:
        parser.error(f"--wait: not with {', '.join(named[1:])}, which start no run")


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the interpreter's own way out: TensorFlow's objects complain on the terminal when they are torn down.
    os._exit(status)
