"""The section `[retrieval]`."""

from typing import Literal

from schemas.settings.section import Dropout, NonNegative, NonNegativeInt, Positive, PositiveInt
from schemas.settings.shared import ItemFeatures, RequestTime


class RetrievalSettings(RequestTime, ItemFeatures):
    """The retrieval model, which proposes candidates; docs/models.md explains the purpose of each part."""

    user_id: bool = True
    """Query tower: a vector for each user."""
    history: Literal["sum", "none"] = "sum"
    """Query tower: how the vectors of the user's items are pooled: as their sum, or not at all."""
    history_length: PositiveInt = 500
    """Maximum number of the user's latest training events used by a query."""

    embedding_dimension: PositiveInt | None = None
    """Width of all vectors. Absent: 128, or 64 with more than 32,768 users and items together."""

    history_dropout: Dropout = 0.3
    """Share of the user's events left out of a training query."""
    dropout: Dropout = 0.3
    """Share of the elements of a query's vector set to 0 in training."""
    id_dropout: Dropout = 0.1
    """Share of the items of a batch, and of the users of training queries if the model has users, treated as unknown.
    An unknown item is represented by its content only."""
    weight_decay: NonNegative = 5e-5
    """Weight of the sum of the squared parameters in the loss."""
    full_softmax_items: NonNegativeInt = 8192
    """Maximum size of catalogues that are scored in full; of larger ones, the batch's items and a sample are."""
    uniform_negatives: NonNegativeInt = 1024
    """Size of the uniform sample, drawn for each batch, if the catalogue is not scored in full."""
    learning_rate: Positive = 0.012
    """Initial step size of Adam; it decreases to 0 along a cosine over the epochs."""
    batch_size: PositiveInt = 256
    """Number of queries in a batch; each predicts one part of a user's events. If an epoch would have more than 1,000
    batches, each has more queries, until they predict 8 times as many events as this number."""
    epochs: PositiveInt = 4
    """Number of passes over the training data without the held-out events, of which the best of the second half counts;
    two more follow over all of it."""

    linear: bool = True
    """Whether the scores have a linear part in closed form; where it ranks as well alone, the towers are left out."""
    linear_content_weight: NonNegative = 2.0
    """Weight of a shared genre or release period in the linear model; a shared user has weight 1."""
