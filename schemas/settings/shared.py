"""Groups of settings shared by several sections."""

from typing import Literal

from schemas.settings.section import AtLeastTwo, Positive, PositiveInt, Section

RequestTimeForm = Literal["bucket", "normalized", "hour", "weekday"]


class ItemFeatures(Section):
    """The vectors whose sum is an item's vector."""

    item_id: bool = True
    """A vector for each item."""
    genres: bool = True
    """The mean of the vectors of the item's genres."""
    title_words: bool = True
    """The mean of the vectors of the words in the item's title."""
    release_year: bool = True
    """A vector for the period of the year at the end of the title, as in `Alien (1979)`."""


class RequestTime(Section):
    """The time of a request or rating as a feature."""

    request_time: tuple[RequestTimeForm, ...] = ()
    """Forms in which the time is used: time buckets, position between the first and the last training event, hour of
    the day (UTC), day of the week (UTC). Empty: the time is not used."""
    time_buckets: AtLeastTwo = 100
    """With `bucket` in `request_time`: number of buckets, each with the same number of training events."""


class Fit(Section):
    """How a model is fitted with Adam, and when the fit ends."""

    learning_rate: Positive
    """Initial step size of Adam; it decreases to 0 along a cosine over the epochs."""
    batch_size: PositiveInt
    """Number of examples in a batch."""
    epochs: PositiveInt
    """Maximum number of passes over the training data."""
    patience: PositiveInt
    """Stop after this many consecutive epochs without improvement on held-out data."""
