"""Groups of settings shared by several sections."""

from typing import Literal

from schemas.settings.section import AtLeastTwo, Dropout, NonNegative, NonNegativeInt, Positive, PositiveInt, Section

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


class TwoTowerFit(Fit):
    """How a model of two towers is fitted with a softmax over items."""

    full_softmax_items: NonNegativeInt = 8192
    """Maximum size of catalogues that are scored in full; of larger ones, the batch's items and a sample are."""
    uniform_negatives: NonNegativeInt = 1024
    """Size of the uniform sample, drawn for each batch, if the catalogue is not scored in full."""
    dropout: Dropout = 0.3
    """Share of the elements of a query's vector set to 0 in training."""
    id_dropout: Dropout = 0.1
    """Share of the items of a batch, and of the users of training queries if the model has users, treated as unknown.
    An unknown item is represented by its content only."""
    weight_decay: NonNegative
    """Weight of the sum of the squared parameters in the loss."""
    patience: PositiveInt = 4
    """Stop after this many consecutive epochs without improvement on held-out data. Only the second half of `epochs` is
    measured, when the learning rate is low."""
