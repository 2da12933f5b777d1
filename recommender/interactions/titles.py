"""What a title holds: its words, and at its end a year."""

import re
from collections.abc import Sequence

import numpy as np

from recommender.interactions.ragged import Ragged

_WORDS = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_PERIODS = 12


def title_words(title: str) -> list[str]:
    """The lower-cased words, of letters and digits in any script: `Alien (1979)` to `["alien", "1979"]`."""
    return _WORDS.findall(title.lower())


def without_year(title: str) -> str:
    """The title without a year in brackets at its end."""
    return _YEAR.sub("", title)


def release_periods(titles: Sequence[str]) -> tuple[Ragged, int]:
    """Sorts the years at the end of titles, as in `Alien (1979)`, into periods with about as many items each.

    Args:
      titles: one an item.

    Returns:
      A row for each item, of one period or none, and the number of periods, at most 12.
    """
    found = [_YEAR.search(title) for title in titles]
    years = np.array([int(match[1]) for match in found if match], np.int32)
    bounds = np.unique(np.quantile(years, np.arange(1, _PERIODS) / _PERIODS)) if len(years) else years
    periods = np.searchsorted(bounds, years, side="right").astype(np.int32)
    return Ragged(periods, np.cumsum([0, *(match is not None for match in found)])), len(bounds) + 1
