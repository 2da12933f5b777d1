"""The section `[local]`."""

from pathlib import Path

from schemas.settings.section import Section


class LocalSettings(Section):
    """Folders of a run on this machine."""

    artifacts: Path = Path("artifacts")
    """Artifacts and metadata are stored in `<artifacts>/<name>/`."""
    runs: Path = Path("runs")
    """The log and the report of each run are written to `<runs>/<run>/`."""
