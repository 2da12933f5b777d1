"""The section `[batch]`."""

from pathlib import Path

from schemas.settings.section import PositiveInt, Section
from schemas.settings.serving import NumItems


class BatchSettings(Section):
    """Recommendations for all known users, written after a model is pushed."""

    enabled: bool = False
    """Whether to write recommendations."""
    k: NumItems = 100
    """Number of items to recommend to each user."""
    folder: Path = Path("recommendations")
    """Parquet files are written to `<folder>/<name>/<version>/`."""
    users_per_shard: PositiveInt = 10_000
    """Users per file; a run that was killed continues after the last complete file."""
