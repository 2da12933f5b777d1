"""The section `[local]`."""

from pathlib import Path

from schemas.settings.section import PositiveInt, Section


class LocalSettings(Section):
    """A run on this machine: its folders, and how much it does at the same time."""

    artifacts: Path = Path("artifacts")
    """Artifacts and metadata are stored in `<artifacts>/<name>/`."""
    runs: Path = Path("runs")
    """The log and the report of each run are written to `<runs>/<run>/`."""
    jobs: PositiveInt | None = None
    """Maximum number of steps that run at the same time, each in a process. Absent: the number of cores. 1 takes the
    least memory.
    """
