"""The section `[similar]`."""

from typing import Literal

from schemas.settings.section import Fraction, NonNegative, Positive, PositiveInt, Section
from schemas.settings.shared import ItemFeatures, TwoTowerFit


class CoConsumptionSettings(TwoTowerFit, ItemFeatures):
    """Two towers, both for items, fitted to pairs of items that a user chose shortly after each other."""

    window: PositiveInt = 10
    """Maximum distance, in events of the user, between the items of a pair. For each event, the distance is drawn
    uniformly from 1 to this maximum, so that close items have more weight."""
    popularity_weight: Fraction = 0.5
    """0: order by how much more often than by chance two items occur together; 1: by how often they do."""
    shared_towers: bool = False
    """Whether both towers share their parameters."""
    embedding_dimension: PositiveInt = 64
    """Width of the vectors."""
    weight_decay: NonNegative = 5e-6
    learning_rate: Positive = 0.03
    batch_size: PositiveInt = 4096
    """Number of events in a batch."""
    epochs: PositiveInt = 4


class SimilarSettings(Section):
    """The model of similar items."""

    model: Literal["item_tower", "co_consumption"] = "co_consumption"
    """`item_tower`: cosines of the retrieval model's item vectors, without settings; `co_consumption`: a separate
    model, with the settings in the table of its name."""
    co_consumption: CoConsumptionSettings = CoConsumptionSettings()
