"""The section `[local]`."""

from pathlib import Path

from schemas.settings.section import Section


class LocalSettings(Section):
    """Where a run on this machine keeps its own files."""

    artifacts: Path = Path("artifacts")
    """Artifacts and metadata are kept in `<artifacts>/<name>/`."""
    runs: Path = Path("runs")
    """The log and the report of each run are written to `<runs>/<run>/`."""
