"""The section `[data]`."""

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from schemas.settings.section import Fraction, Name, Section


class RatingColumns(Section):
    """Names of the ratings file's columns; other columns are ignored."""

    user: Name = "user_id"
    """The user's id."""
    item: Name = "item_id"
    """The item's id."""
    rating: Name = "rating"
    """The rating, a number."""
    timestamp: Name = "timestamp"
    """The time of the rating, in the format `timestamp_format`."""

    @model_validator(mode="after")
    def _differ(self) -> "RatingColumns":
        names = [self.user, self.item, self.rating, self.timestamp]
        if len(set(names)) < len(names):
            raise ValueError(f"user, item, rating and timestamp must be four different columns, got {names}")
        return self


class ItemColumns(Section):
    """Names of the items file's columns; other columns are ignored."""

    item: Name = "item_id"
    """The item's id."""
    title: str | None = "title"
    """The title; without this column, an item's id is shown instead."""
    genres: str | None = "genres"
    """The genres; without this column, items have none."""


class DataSettings(Section):
    """The data files and how to read them."""

    folder: Path
    """Folder of the files."""
    ratings: Name = "ratings.csv"
    """Ratings file below `folder`; may contain `{SPAN}` as in TFX's ExampleGen (`span-{SPAN}/ratings.csv`)."""
    items: str | None = "items.csv"
    """Items file below `folder`, with one row per item. `""`: no file; the catalogue is the rated items."""
    columns: RatingColumns = RatingColumns()
    item_columns: ItemColumns = ItemColumns()
    delimiter: Annotated[str, Field(pattern=r"^[\t -~]$")] = ","
    """Separator of the columns: one ASCII character, except the quote."""
    genre_separator: Annotated[str, Field(min_length=1)] = "|"
    """Separator of an item's genres."""
    timestamp_format: str = "unix"
    """`unix` (seconds since 1970-01-01 UTC), or a strptime format such as `%m/%d/%Y %H:%M`, read as UTC."""
    rating_scale: tuple[float, float] | None = None
    """Lowest and highest rating; ratings outside are rejected. Absent: those of the training ratings."""
    max_reject_share: Fraction = 0.01
    """Maximum share of rejected rows in a file; if there are more, the run stops."""

    @field_validator("items", mode="before")
    @classmethod
    def _no_items_file(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_no_quote(cls, value: str) -> str:
        if value == '"':
            raise ValueError("the quote holds fields together and cannot part them")
        return value

    @field_validator("timestamp_format")
    @classmethod
    def _format_reads_back(cls, value: str) -> str:
        moment = datetime(2001, 12, 31, 23, 59, 58, tzinfo=timezone.utc)
        try:
            if value != "unix" and datetime.strptime(moment.strftime(value), value).year != moment.year:
                raise ValueError("it holds no year")
        except ValueError as error:
            raise ValueError(f"`unix` or a strptime format such as %m/%d/%Y %H:%M is needed: {error}") from None
        return value

    @model_validator(mode="after")
    def _same_placeholders(self) -> "DataSettings":
        ratings, items = (set(re.findall(r"\{(\w+)", pattern or "")) for pattern in (self.ratings, self.items))
        if self.items and ratings != items:
            raise ValueError(
                f"`ratings` is {self.ratings!r} and `items` is {self.items!r}: both need the same placeholders "
                "({SPAN}, {VERSION}, ...); put the items next to the ratings of each span"
            )
        return self

    @field_validator("rating_scale")
    @classmethod
    def _scale_ascends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError(f"the lowest rating must be below the highest, got {list(value)}")
        return value
