"""Options that several benchmarks have."""

import argparse
from collections.abc import Sequence
from pathlib import Path

_PROTOCOLS = ("random", "time")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds `--config`, the settings file; MovieLens 100K's by default."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("pipeline/configs/movielens-100k.toml"),
        help="settings file (default: %(default)s)",
    )


def add_protocols(parser: argparse.ArgumentParser) -> None:
    """Adds `--protocols`, all by default."""
    parser.add_argument(
        "--protocols",
        nargs="+",
        choices=_PROTOCOLS,
        default=list(_PROTOCOLS),
        help="splits to measure (default: all)",
    )


def add_seeds(parser: argparse.ArgumentParser, default: Sequence[int]) -> None:
    """Adds `--seeds`."""
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=list(default), help="seeds of the fits (default: %(default)s)"
    )
