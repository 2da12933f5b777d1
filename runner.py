"""The command line: parse, load the settings, call one function of `pipeline`."""

import argparse
import os
import sys
from pathlib import Path

from schemas.errors import DataError, SettingsError
from schemas.settings import fast, load

CONFIGS = Path(__file__).parent / "pipeline" / "configs"
_FAILED, _BAD_INPUT = 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status: 0 pushed or unchanged, 1 a step failed, 2 bad settings or data, 3 the model was refused.
    """
    parser = argparse.ArgumentParser(
        prog="runner.py",
        description="Atalaya: from a CSV of ratings to a gated, servable, on-device-ready recommender.",
        epilog="Exit status: 0 pushed or unchanged, 1 a step failed, 2 bad settings or data, 3 the model was refused.",
    )
    platforms = parser.add_mutually_exclusive_group(required=True)
    platforms.add_argument("--local", action="store_true", help="run the pipeline on this machine")
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
    parser.add_argument("--compile-only", action="store_true", help="write the pipeline to a file and send it nowhere")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="with --compile-only: the file")
    options = parser.parse_args(arguments)
    if options.vertex != options.compile_only or options.vertex != (options.output is not None):
        parser.error("--vertex, --compile-only and -o FILE go together")
    try:
        settings = load(options.config)
        if options.fast:
            settings = fast(settings)
        # Keras 2, which TensorFlow Recommenders needs; read when TensorFlow is imported.
        os.environ["TF_USE_LEGACY_KERAS"] = "1"
        if options.vertex:
            from pipeline import vertex

            vertex.compile_pipeline(settings, options.output)
            return 0
        from pipeline import local

        return local.run(settings, options.verbose)
    except (SettingsError, DataError) as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; nothing was pushed", file=sys.stderr)
        return _FAILED


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the interpreter's own way out: TensorFlow's objects complain on the terminal when they are torn down.
    os._exit(status)
