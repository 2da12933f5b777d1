"""What `runner.py` and `atalaya` do with the settings; the only place where a command reads the environment."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import tensorflow_environment
from pipeline.reporting import terminal
from schemas import environment
from schemas.errors import DataError, ServiceError, SettingsError
from schemas.settings import DataSettings, Settings, check, fast, load, read_tree

DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "movielens-100k.toml"
EXIT_STATUSES = (
    "Exit status: 0 pushed, unchanged or submitted, 1 a step or the server failed, 2 bad settings, data or options, "
    "3 the model was refused (for a run on Kubeflow, see its step pusher), 130 stopped from the keyboard."
)
_FAILED, _BAD_INPUT, _STOPPED = 1, 2, 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--config` and `--verbose`."""
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help="settings of the recommender, a TOML file (default: MovieLens 100K)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the libraries' log on the terminal too")


def add_data(parser: argparse._ActionsContainer) -> None:
    """Adds `--ratings` and `--items`."""
    parser.add_argument(
        "--ratings",
        metavar="FILE",
        nargs="+",
        default=(),
        help="files of ratings or events; how they are written is detected, and no --config is needed",
    )
    parser.add_argument("--items", metavar="FILE", help="with --ratings: file of the items: id, title, genres")


def add_fast(parser: argparse.ArgumentParser) -> None:
    """Adds `--fast`."""
    parser.add_argument(
        "--fast",
        action="store_true",
        help="train in less time: no second fit with the held-out ratings",
    )


class Source(NamedTuple):
    """Where settings come from: a TOML file, paths of data files, or both; if neither is given, the default."""

    config: Path | None = None
    ratings: Sequence[str] = ()
    items: str | None = None

    def load(self) -> Settings:
        """Returns the settings; what a file says stands, but for the data files that are named."""
        if not self.ratings:
            return load(self.config or DEFAULT_CONFIG)
        # Imported here: pandas and pyarrow, which --help and settings alone must not cost.
        from recommender.sources.data_files import as_settings
        from recommender.sources.settings_file import recommender_name

        tree: dict[str, Any] = read_tree(self.config) if self.config else {"name": recommender_name(self.ratings[0])}
        data = tree.get("data", {})
        files = as_settings(self.ratings, self.items or _items_of(data))
        return check({**tree, "data": {**data, **files}}, str(self.config or "the data files"))


def _items_of(data: dict[str, Any]) -> str | None:
    """The items file of a section [data]: the one that it names, or the default one if it exists."""
    default = DataSettings.model_fields["items"].default
    path = os.path.join(str(data.get("folder", "")), str(data.get("items") or default))
    is_there = data.get("items") or ("items" not in data and "folder" in data and os.path.exists(path))
    return path if is_there else None


def perform(action: Callable[[Settings], int], source: Source, is_fast: bool = False) -> int:
    """Loads the settings and performs an action; an error becomes a line on standard error.

    Args:
      action: returns the exit status.
      source: of the settings.
      is_fast: whether to train in less time.

    Returns:
      The exit status, see `EXIT_STATUSES`.
    """
    try:
        settings = source.load()
        if is_fast:
            settings = fast(settings)
        tensorflow_environment.prepare()
        return action(settings)
    except (SettingsError, DataError) as error:
        terminal.print_error(error)
        return _BAD_INPUT
    except ServiceError as error:
        terminal.print_error(error)
        return _FAILED
    except KeyboardInterrupt:
        return stopped()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"{place}{error.strerror or error}; nothing was pushed", file=sys.stderr)
        return _FAILED


def stopped() -> int:
    """Reports that the user stopped the command; returns the exit status."""
    print("Stopped.", file=sys.stderr)
    return _STOPPED


def run(settings: Settings, verbose: bool, is_inferred: bool = False) -> int:
    """Runs the pipeline on this machine; if the settings only name files, the rest is detected and shown."""
    from pipeline.local import run

    return run.run(settings, verbose, is_inferred)


def submit(settings: Settings, wait: bool, verbose: bool) -> int:
    """Starts a run on Kubeflow Pipelines and, with `wait`, follows it to its end."""
    from pipeline.kubeflow import client

    return client.submit(_overridden(settings), environment.credentials(os.environ), wait, verbose)


def compile_for_kubeflow(settings: Settings, output: Path, verbose: bool) -> int:
    """Writes the pipeline for Kubeflow Pipelines to a file."""
    from pipeline.kubeflow import client, compile

    return client.write(compile.compile_pipeline, _overridden(settings), output, verbose)


def compile_for_vertex(settings: Settings, output: Path, verbose: bool) -> int:
    """Writes the pipeline for Vertex AI Pipelines to a file."""
    from pipeline.kubeflow import client
    from pipeline.vertex import compile

    return client.write(compile.compile_pipeline, _overridden(settings), output, verbose)


def set_schedule(settings: Settings, cron: str, verbose: bool) -> int:
    """Makes `cron` the recommender's one schedule on Kubeflow Pipelines."""
    from pipeline.kubeflow import cron as kubeflow_cron
    from pipeline.kubeflow import schedule

    kubeflow_cron.check(cron)
    return schedule.schedule(_overridden(settings), environment.credentials(os.environ), cron, verbose)


def list_schedules(settings: Settings, verbose: bool) -> int:
    """Shows all schedules of the server."""
    from pipeline.kubeflow import schedule

    return schedule.list_schedules(_overridden(settings), environment.credentials(os.environ), verbose)


def remove_schedule(settings: Settings, verbose: bool) -> int:
    """Removes the recommender's schedule."""
    from pipeline.kubeflow import schedule

    return schedule.unschedule(_overridden(settings), environment.credentials(os.environ), verbose)


def _overridden(settings: Settings) -> Settings:
    """The settings with those that the environment gives for Kubeflow."""
    return settings.model_copy(update={"kubeflow": environment.overridden(settings.kubeflow, os.environ)})
