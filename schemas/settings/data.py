"""The section `[data]`."""

import codecs
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from schemas.settings.section import Fraction, Name, NonNegative, Section

UNIX_FORMATS = ("unix", "unix_ms", "unix_us", "unix_ns")
Column = Annotated[int, Field(ge=1)] | str
"""The name of a column, or its number from 1."""


class RatingColumns(Section):
    """Columns of the ratings file: names, or numbers from 1 for a file without a header. Other columns are ignored.

    A column that is not given is detected by its name and content.
    """

    user: Column | None = None
    """The user's id."""
    item: Column | None = None
    """The item's id."""
    rating: Column | None = None
    """The rating, or with `rating_means = "count"` a number of events. `""`: none; every row is an event."""
    timestamp: Column | None = None
    """The time of the event, in the format `timestamp_format`. `""`: none; events are in the order of the file."""
    event: Column | None = None
    """The type of the event, whose weight is given in `[data.events]`. `""`: none."""

    @model_validator(mode="after")
    def _differ(self) -> "RatingColumns":
        names = [column for _, column in self if column not in (None, "")]
        if len(set(names)) < len(names):
            raise ValueError(f"every role needs a different column, got {names}")
        if "" in (self.user, self.item):
            raise ValueError("user and item need a column; leave the key out to have the column detected")
        return self


class ItemColumns(Section):
    """Columns of the items file: names, or numbers from 1 for a file without a header. Other columns are ignored.

    A column that is not given is detected by its name.
    """

    item: Column | None = None
    """The item's id."""
    title: Column | None = None
    """The title. `""`, or no such column: the item's id is shown instead."""
    genres: Column | None = None
    """The genres. `""`, or no such column: items have none."""


class DataSettings(Section):
    """The data files and how to read them.

    The files are CSV with any delimiter, Parquet or JSON lines, and may be compressed with gzip or zstandard. The
    format is detected from the content, not from the file's name.
    """

    folder: Path
    """Folder of the files."""
    ratings: Name | Annotated[tuple[Name, ...], Field(min_length=1)] = "ratings.csv"
    """File of ratings or other events below `folder`, a list of several, or a pattern such as `part-*.csv`; may contain
    `{SPAN}` as in TFX's ExampleGen (`span-{SPAN}/ratings.csv`)."""
    items: str | None = "items.csv"
    """Items file or pattern below `folder`, with one row per item. `""`: none; the catalogue is the items of the
    log."""
    columns: RatingColumns = RatingColumns()
    item_columns: ItemColumns = ItemColumns()
    encoding: str = "auto"
    """Encoding of the text, such as `utf-8` or `cp1252`; `auto`: detected for each file."""
    delimiter: Annotated[str, Field(min_length=1)] = "auto"
    """Text between the columns, such as `;` or `::`; `auto`: detected for each file."""
    header: bool | Literal["auto"] = "auto"
    """Whether the first row holds the names of the columns; `auto`: detected for each file."""
    decimal: Literal["auto", ".", ","] = "auto"
    """Decimal mark of ratings; `auto`: detected for each file."""
    genre_separator: Annotated[str, Field(min_length=1)] = "|"
    """Separator of an item's genres."""
    timestamp_format: Name = "auto"
    """`unix` (seconds since 1970-01-01 UTC), `unix_ms`, `unix_us`, `unix_ns`, `iso8601`, or a strptime format such as
    `%m/%d/%Y %H:%M`; times without a zone are in UTC. `auto`: detected for each file."""
    events: dict[str, NonNegative] = {}
    """Weight of an event by its type, such as `view = 1`, in any letter case; events of other types are left out.
    Empty: every type has weight 1."""
    rating_means: Literal["auto", "rating", "count"] = "auto"
    """What the rating column holds: `rating`, or `count`, a number of events such as plays, whose weight grows with its
    logarithm. `auto`: counts if the column has a name such as `plays`."""
    no_rating: tuple[float, ...] = ()
    """Values of the rating column that mean "no rating"; the row still counts as an event."""
    rating_scale: tuple[float, float] | None = None
    """Lowest and highest valid rating; rows with others are rejected. Absent: every number is valid, and the scale is
    that of the training ratings."""
    null_values: tuple[str, ...] = ("NULL", "null", "\\N", "None", "nan", "NaN", "undefined")
    """Texts that mean "no value", in addition to the empty text; a row with such an id is rejected."""
    merge_names: bool = False
    """Whether items whose names differ only in letter case, spaces, invisible characters or how accents are encoded are
    one item, shown in the most frequent spelling."""
    repeats: Literal["auto", "last", "each"] = "auto"
    """Which events of the same user and item are kept: `last`, the latest; `each`, all of them. `auto`: `last` with
    ratings, `each` without. Events of a user and item in the same second are always one event."""
    min_described_share: Fraction = 0.5
    """Minimum share of the log's items that the items file must contain; if it has fewer, the run stops."""
    max_reject_share: Fraction = 0.01
    """Maximum share of rejected rows in a file; if more are rejected, the run stops."""

    @field_validator("items", mode="before")
    @classmethod
    def _no_items_file(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_no_quote(cls, value: str) -> str:
        if '"' in value or "\n" in value or "\r" in value:
            raise ValueError("a quote or a line end cannot separate columns")
        return value

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str) -> str:
        try:
            return value if value == "auto" else codecs.lookup(value).name
        except LookupError:
            raise ValueError("expected `auto` or an encoding that Python knows, such as utf-8 or cp1252") from None

    @field_validator("timestamp_format")
    @classmethod
    def _format_reads_back(cls, value: str) -> str:
        if value in ("auto", "iso8601", *UNIX_FORMATS):
            return value
        moment = datetime(2001, 12, 31, 23, 59, 58, tzinfo=timezone.utc)
        try:
            if datetime.strptime(moment.strftime(value), value).year != moment.year:
                raise ValueError("it has no year")
        except ValueError as error:
            raise ValueError(
                f"expected auto, {', '.join(UNIX_FORMATS)}, iso8601 or a strptime format such as %m/%d/%Y %H:%M: "
                f"{error}"
            ) from None
        return value

    @model_validator(mode="after")
    def _same_placeholders(self) -> "DataSettings":
        patterns = (*self.ratings_patterns, self.items or self.ratings_patterns[0])
        if len({frozenset(re.findall(r"\{(\w+)", pattern)) for pattern in patterns}) > 1:
            raise ValueError(
                f"`ratings` is {self.ratings!r} and `items` is {self.items!r}: all need the same placeholders "
                "({SPAN}, {VERSION}, ...); put the items next to the ratings of each span"
            )
        return self

    @field_validator("rating_scale")
    @classmethod
    def _scale_ascends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError(f"the lowest rating must be below the highest, got {list(value)}")
        return value

    @property
    def ratings_patterns(self) -> tuple[str, ...]:
        """The ratings files, each a name or a pattern below `folder`."""
        return (self.ratings,) if isinstance(self.ratings, str) else self.ratings
