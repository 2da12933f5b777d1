"""The section `[retrieval]`."""

from typing import Literal

from schemas.settings.section import Dropout, NonNegative, Positive, PositiveInt
from schemas.settings.shared import ItemFeatures, RequestTime, TwoTowerFit


class RetrievalSettings(TwoTowerFit, RequestTime, ItemFeatures):
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
    weight_decay: NonNegative = 5e-5
    learning_rate: Positive = 0.012
    batch_size: PositiveInt = 256
    """Number of queries in a batch; each predicts one part of a user's events. If an epoch would have more than 1,000
    batches, each has more queries, until they predict 8 times as many events as this number."""
    epochs: PositiveInt = 4
    """Maximum number of passes over the training data without the held-out events; two more follow over all of it."""

    linear: bool = True
    """Whether the scores have a linear part in closed form: beside the towers or, if it ranks as well alone, alone."""
    linear_content_weight: NonNegative = 2.0
    """Weight of a shared genre or release period in the linear model; a shared user has weight 1."""
