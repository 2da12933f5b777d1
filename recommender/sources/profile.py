"""Counts what is in the files of a data set, as a run reads them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from recommender.sources.blocks import read_file
from recommender.sources.inference import Inferred, infer
from recommender.sources.layouts import Layout
from recommender.sources.rows import LISTED_REJECTS, Note, Parsed, Reject, add_up
from recommender.sources.spellings import Spellings
from schemas.settings import DataSettings


class RatingRange(NamedTuple):
    """The ratings of the accepted rows, without values that mean that there is none.

    at_min: number of ratings that are the lowest. above_min: the lowest of the others, None if there are none.
    """

    min: float
    max: float
    mean: float
    at_min: int
    above_min: float | None


@dataclass
class FileCounts:
    """The rows of a file by what became of them.

    examples: the first reject of each reason. listed: the first rejects.
    """

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    left_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Reject] = field(default_factory=list)
    listed: list[Reject] = field(default_factory=list)

    def add(self, parsed: Parsed) -> None:
        """Adds the rows of a block."""
        rejected = sum(parsed.reasons.values())
        self.accepted += len(parsed.table)
        self.rejected += rejected
        self.left_out += parsed.left_out
        self.rows += len(parsed.table) + rejected + parsed.left_out
        fresh = Counter(parsed.reasons)
        for reject in parsed.rejects:
            if reject.reason not in self.reasons and fresh.get(reject.reason):
                self.examples.append(reject)
                del fresh[reject.reason]
        self.reasons.update(parsed.reasons)
        self.listed += parsed.rejects[: LISTED_REJECTS - len(self.listed)]


class Profile(NamedTuple):
    """What is in the files.

    ratings, items: how the files are read; items is None without an items file. counts: by file. users, rated: number
    of events by id, in the order of appearance. first, last: seconds since 1970-01-01 UTC, None without times. rating:
    None without ratings. events: number by type, None without types. repeats: accepted rows whose user and item came
    before.
    described: ids of the items file, None without one. repeated_items: rows of the items file that repeat an item.
    genres: number of items by genre. notes: on rows.
    """

    ratings: Inferred
    items: Inferred | None
    counts: dict[str, FileCounts]
    item_counts: dict[str, FileCounts]
    users: pd.Series
    rated: pd.Series
    first: int | None
    last: int | None
    rating: RatingRange | None
    events: dict[str, int] | None
    repeats: int
    merged_names: int
    described: frozenset[str] | None
    repeated_items: int
    genres: Counter[str]
    genre_texts: tuple[str, ...]
    notes: list[Note]

    @property
    def accepted(self) -> int:
        """Number of events that are used."""
        return sum(file.accepted for file in self.counts.values())

    @property
    def described_items(self) -> int:
        """Number of rated items that the items file has."""
        return sum(item in self.described for item in self.rated.index) if self.described else 0


def profile(
    ratings: Sequence[str],
    items: Sequence[str],
    data: DataSettings,
    base: str = "",
    progress: Callable[[int], None] = lambda rows: None,
) -> Profile:
    """Reads all files and counts.

    Args:
      ratings: paths of the ratings files.
      items: paths of the items files; none if there are none.
      data: how to read them.
      base: what is left out at the beginning of paths in reports.
      progress: called with the number of rows read so far.

    Raises:
      DataError: a file cannot be read, or something cannot be decided.
    """
    inferred = infer(ratings, data, "ratings", base=base)
    first = inferred.layouts[0]
    item_files = infer(items, data, "items", inferred.item_name, base) if items else None
    tally = _Tally(progress)
    counts = {layout.file: tally.read(layout, data) for layout in inferred.layouts}
    shelf = _Shelf(data.genre_separator)
    item_counts = {layout.file: shelf.read(layout, data) for layout in item_files.layouts} if item_files else {}
    spellings = Spellings.of(tally.items.counts().to_dict()) if data.merge_names else None
    rated, repeats = tally.merged(spellings)
    described = frozenset(spellings.shown(item) if spellings else item for item in shelf.ids) if item_files else None
    return Profile(
        ratings=inferred,
        items=item_files,
        counts=counts,
        item_counts=item_counts,
        users=tally.users.counts(),
        rated=rated,
        first=tally.first,
        last=tally.last,
        rating=tally.rating(),
        events=dict(tally.events) if "event" in first.columns else None,
        repeats=repeats,
        merged_names=len(tally.items.counts()) - len(rated),
        described=described,
        repeated_items=shelf.repeated,
        genres=shelf.genres,
        genre_texts=tuple(shelf.genre_texts),
        notes=add_up(tally.notes + shelf.notes),
    )


class _Ids:
    """Numbers for ids, in the order of appearance, and how often each came."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._counts = np.zeros(0, np.int64)

    def add(self, ids: pa.ChunkedArray) -> np.ndarray:
        """Returns the number of each id."""
        encoded = ids.combine_chunks().dictionary_encode()
        numbers = self._numbers
        codes = np.array([numbers.setdefault(text, len(numbers)) for text in encoded.dictionary.to_pylist()], np.int32)
        if not len(codes):
            return codes
        found = codes[encoded.indices.to_numpy()]
        added = np.bincount(found, minlength=len(numbers))
        added[: len(self._counts)] += self._counts
        self._counts = added
        return found

    def counts(self) -> pd.Series:
        """Returns the number of events by id."""
        return pd.Series(self._counts, index=list(self._numbers), dtype=np.int64)


class _Tally:
    def __init__(self, progress: Callable[[int], None]):
        self.users, self.items = _Ids(), _Ids()
        self.first: int | None = None
        self.last: int | None = None
        self.events = Counter[str]()
        self.notes: list[Note] = []
        self._pairs: list[np.ndarray] = []
        self._ratings: list[RatingRange] = []
        self._num_rated: list[int] = []
        self._progress, self._rows = progress, 0

    def read(self, layout: Layout, data: DataSettings) -> FileCounts:
        counts = FileCounts()
        for parsed in read_file(layout, data):
            counts.add(parsed)
            self._add(parsed)
            self._rows += len(parsed.table)
            self._progress(self._rows)
        return counts

    def rating(self) -> RatingRange | None:
        """Returns the range of all ratings, None without any."""
        if not self._ratings:
            return None
        low = min(part.min for part in self._ratings)
        others = [part.above_min if part.min == low else part.min for part in self._ratings]
        return RatingRange(
            min=low,
            max=max(part.max for part in self._ratings),
            mean=float(np.average([part.mean for part in self._ratings], weights=self._num_rated)),
            at_min=sum(part.at_min for part in self._ratings if part.min == low),
            above_min=min((value for value in others if value is not None), default=None),
        )

    def merged(self, spellings: Spellings | None) -> tuple[pd.Series, int]:
        """Returns the events by item under the spellings to show, and the number of repeats."""
        counts = self.items.counts()
        pairs = np.concatenate(self._pairs) if self._pairs else np.zeros(0, np.int64)
        if spellings:
            codes, names = pd.factorize(np.array([spellings.shown(item) for item in counts.index], object))
            pairs = (pairs >> 32 << 32) | codes[pairs & 0xFFFFFFFF]
            counts = counts.groupby(codes).sum().set_axis(list(names))
        pairs.sort()
        return counts, int((pairs[1:] == pairs[:-1]).sum())

    def _add(self, parsed: Parsed) -> None:
        table = parsed.table
        self.notes += parsed.notes
        user, item = (ids.add(table[name]) for ids, name in ((self.users, "user"), (self.items, "item")))
        if not len(user):
            return
        self._pairs.append((user.astype(np.int64) << 32) | item)
        if table["timestamp"].null_count < len(table):
            limits = pc.min_max(table["timestamp"]).as_py()
            self.first = limits["min"] if self.first is None else min(self.first, limits["min"])
            self.last = limits["max"] if self.last is None else max(self.last, limits["max"])
        rating = table["rating"].drop_null().to_numpy()
        if len(rating):
            self._ratings.append(_range(rating))
            self._num_rated.append(len(rating))
        if "event" in table.column_names:
            for pair in pc.value_counts(table["event"].combine_chunks()).to_pylist():
                self.events[pair["values"]] += pair["counts"]


def _range(rating: np.ndarray) -> RatingRange:
    above = rating[rating > rating.min()]
    return RatingRange(
        min=float(rating.min()),
        max=float(rating.max()),
        mean=float(rating.mean()),
        at_min=len(rating) - len(above),
        above_min=float(above.min()) if len(above) else None,
    )


class _Shelf:
    """The items that are described."""

    def __init__(self, genre_separator: str):
        self.ids: set[str] = set()
        self.repeated = 0
        self.genres = Counter[str]()
        self.genre_texts: dict[str, None] = {}
        self.notes: list[Note] = []
        self._separator = genre_separator

    def read(self, layout: Layout, data: DataSettings) -> FileCounts:
        counts = FileCounts()
        for parsed in read_file(layout, data):
            counts.add(parsed)
            self.notes += parsed.notes
            for item, text in zip(parsed.table["item"].to_pylist(), parsed.table["genres"].to_pylist(), strict=True):
                if item in self.ids:
                    self.repeated += 1
                    continue
                self.ids.add(item)
                self.genres.update(name.strip() for name in text.split(self._separator) if name.strip())
                if text and len(self.genre_texts) < 1000:
                    self.genre_texts[text] = None
        return counts
