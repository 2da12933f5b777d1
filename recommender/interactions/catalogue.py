"""The content of the items: genres, title words and release periods."""

from collections.abc import Sequence
from typing import NamedTuple

from recommender.interactions.ragged import Ragged
from recommender.interactions.titles import release_periods


class Catalogue(NamedTuple):
    """The content of the items; item `i` is row `i`.

    genres, title_words, release_periods: a row of int32 indices for each item, possibly empty.
    num_users, num_genres, num_title_words, num_release_periods: how many are known; this number is also the
    index of unknown ones.
    """

    num_users: int
    num_genres: int
    num_title_words: int
    num_release_periods: int
    genres: Ragged
    title_words: Ragged
    release_periods: Ragged

    @classmethod
    def of(
        cls,
        num_users: int,
        titles: Sequence[str],
        genres: Ragged,
        num_genres: int,
        title_words: Ragged,
        num_title_words: int,
    ) -> "Catalogue":
        """Creates a catalogue, with release periods from the titles, [num_items]."""
        periods, num_periods = release_periods(titles)
        return cls(num_users, num_genres, num_title_words, num_periods, genres, title_words, periods)

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.genres.row_splits) - 1
