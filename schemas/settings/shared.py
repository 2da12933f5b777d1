"""Groups of settings that several sections share."""

from typing import Literal

from schemas.settings.section import AtLeastTwo, Dropout, NonNegative, NonNegativeInt, Positive, PositiveInt, Section

RequestTimeForm = Literal["bucket", "normalized", "hour", "weekday"]


class ItemFeatures(Section):
    """What an item's vector is the sum of."""

    item_id: bool = True
    """A vector for each item."""
    genres: bool = True
    """The mean of the vectors of the item's genres."""
    title_words: bool = True
    """The mean of the vectors of the words in the item's title."""
    release_year: bool = True
    """A vector for the period of the year at the end of the title, as in `Alien (1979)`."""
    popularity: bool = False
    """A vector times the logarithm of the item's number of training events."""


class RequestTime(Section):
    """The time of a request or rating as a feature."""

    request_time: tuple[RequestTimeForm, ...] = ()
    """Forms in which the time is used: time buckets, position between the first and the last training event, hour of
    the day (UTC), day of the week (UTC). None: the time is not used."""
    time_buckets: AtLeastTwo = 100
    """With `bucket` in `request_time`: number of buckets, each with the same number of training events."""


class Fit(Section):
    """How a model is fitted by Adam, and when the fit ends."""

    learning_rate: Positive
    """Step size of Adam at the start; it falls to 0 along a cosine over the epochs."""
    batch_size: PositiveInt
    """Examples in a batch."""
    epochs: PositiveInt
    """Maximum number of passes over the training data."""
    patience: PositiveInt
    """Stop after this many consecutive epochs without improvement on held-out data."""


class ImprovingFit(Fit):
    """A fit with a minimum for what counts as an improvement."""

    patience: PositiveInt
    """Stop after this many consecutive epochs that improve by less than `min_improvement` on held-out data."""
    min_improvement: NonNegative = 0.0
    """Minimum improvement, as a share of the best value so far; 0: any improvement counts."""


class TwoTowerFit(ImprovingFit):
    """How a model of two towers is fitted, under a softmax over items."""

    full_softmax_items: NonNegativeInt = 20_000
    """Catalogues up to this size are scored in full; of larger ones, the batch's items and a uniform sample."""
    uniform_negatives: NonNegativeInt = 4096
    """Size of the uniform sample, drawn for each batch, where the catalogue is not scored in full."""
    dropout: Dropout = 0.3
    """Share of the elements of a query's vector that are set to 0 in training."""
    id_dropout: Dropout = 0.1
    """Share of the items of a batch, and of the users of training queries if the model has any, that are treated as
    unknown; an unknown item is represented by its content alone."""
    weight_decay: NonNegative
    """Weight of the sum of the squared parameters in the loss."""
    patience: PositiveInt = 4
    """Stop after this many consecutive epochs that improve by less than `min_improvement` on held-out data. Only the
    second half of `epochs` is measured, when the learning rate is low."""
