"""An inspection of the data before a run: all that was found, and whether a run would accept it."""

from collections.abc import Callable
from typing import NamedTuple

from recommender.sources.data_files import locate
from recommender.sources.inference import infer
from recommender.sources.profile import Profile, profile
from recommender.sources.rows import Reject
from recommender.sources.settings_file import write_settings
from recommender.sources.suspicions import Suspicion, find_suspicions
from schemas.errors import DataError
from schemas.settings import DataSettings, Settings


class Inspection(NamedTuple):
    """settings: how the data were read. profile: what is in them. suspicions: errors first."""

    settings: Settings
    profile: Profile
    suspicions: list[Suspicion]

    @property
    def is_usable(self) -> bool:
        """Whether a run would accept the data."""
        return all(suspicion.severity != "error" for suspicion in self.suspicions)

    def check(self) -> None:
        """Checks that a run would accept the data.

        Raises:
          DataError: with all errors.
        """
        errors = [suspicion.text for suspicion in self.suspicions if suspicion.severity == "error"]
        if errors:
            raise DataError("\n".join(errors))

    def rejects(self) -> list[Reject]:
        """Returns the rejected rows, at most LISTED_REJECTS of each file."""
        return [
            reject for counts in (self.profile.counts | self.profile.item_counts).values() for reject in counts.listed
        ]

    def as_toml(self) -> str:
        """Returns a settings file that reads the data as they were read."""
        return write_settings(self.profile, self.settings)


def inspect(settings: Settings, progress: Callable[[int], None] = lambda rows: None) -> Inspection:
    """Reads all data files that the settings name.

    Args:
      settings: `data` is used, and of `split` and `gate`, whether they need times or ratings.
      progress: called with the number of rows read so far.

    Raises:
      DataError: a file cannot be read, or something cannot be decided.
    """
    files = locate(settings.data)
    found = profile(files.ratings, files.items, settings.data, files.base, progress)
    return Inspection(settings, found, find_suspicions(found, settings))


def look_at_columns(data: DataSettings) -> None:
    """Checks that all files can be read and have the columns that are needed, by their beginnings.

    Raises:
      DataError: a file cannot be read, or something cannot be decided.
    """
    files = locate(data)
    ratings = infer(files.ratings, data, "ratings", base=files.base)
    if files.items:
        infer(files.items, data, "items", ratings.item_name, files.base)
