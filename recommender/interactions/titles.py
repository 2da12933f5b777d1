"""The words of a title and the year at its end."""

import re
from collections.abc import Sequence

import numpy as np

from recommender.interactions.ragged import Ragged

_WORDS = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_PERIODS = 12


def title_words(title: str) -> list[str]:
    """Returns the lower-cased words, of letters and digits in any script: `["alien", "1979"]` for `Alien (1979)`."""
    return _WORDS.findall(title.lower())


def without_year(title: str) -> str:
    """Returns the title without a year in brackets at its end."""
    return _YEAR.sub("", title)


def release_periods(titles: Sequence[str]) -> tuple[Ragged, int]:
    """Groups the years at the end of titles, as in `Alien (1979)`, into periods with similar numbers of items.

    Args:
      titles: one per item.

    Returns:
      A row for each item with its period, empty without a year, and the number of periods, at most 12.
    """
    found = [_YEAR.search(title) for title in titles]
    years = np.array([int(match[1]) for match in found if match], np.int32)
    bounds = np.unique(np.quantile(years, np.arange(1, _PERIODS) / _PERIODS)) if len(years) else years
    periods = np.searchsorted(bounds, years, side="right").astype(np.int32)
    return Ragged(periods, np.cumsum([0, *(match is not None for match in found)])), len(bounds) + 1
