"""The section `[ranking]`."""

from typing import Literal

from pydantic import model_validator

from schemas.settings.section import Dropout, NonNegative, NonNegativeInt, Positive, PositiveInt, Section
from schemas.settings.shared import Fit, ItemFeatures, RequestTime


class BayesianSettings(Section):
    """Matrix factorization, averaged over samples of the vectors given the ratings (a Gibbs sampler)."""

    dimension: PositiveInt = 16
    """Width of the sampled vectors."""
    sweeps: PositiveInt = 150
    """Maximum number of times that all vectors are sampled; the prediction is the mean over sweeps. Once that mean
    hardly depends on their number, as with many ratings for each user and item, there are no more."""
    burn_in: NonNegativeInt = 20
    """Number of initial sweeps left out of the mean, since they depend on the starting point; less than `sweeps`."""
    side_features: PositiveInt = 200
    """Number of columns to which the side features (who rated what, genres and release periods) are reduced, for users
    and for items. With more than 167,772 users or items, there are fewer, in proportion, but at least 16."""
    export_rank: PositiveInt = 32
    """Width of the exported vectors, whose product approximates the mean over all sweeps."""
    recent_events: PositiveInt = 200
    """Maximum number of the user's events before a rating from which the user's mood at the rating is estimated."""

    @model_validator(mode="after")
    def _sweeps_remain(self) -> "BayesianSettings":
        if self.burn_in >= self.sweeps:
            raise ValueError(f"`burn_in` ({self.burn_in}) must be below `sweeps` ({self.sweeps}): none are averaged")
        return self


class NetworkSettings(Fit, RequestTime, ItemFeatures):
    """A neural network."""

    user_id: bool = True
    """A vector for each user."""
    history: bool = True
    """Vectors of the other items that the user rated, and the same vectors weighted by the ratings."""
    history_length: PositiveInt = 50
    """Maximum number of the user's latest other training events used by an example."""
    embedding_dimension: PositiveInt = 26
    """Width of the vectors."""
    deep_layers: tuple[PositiveInt, ...] = (32,)
    """Widths of dense layers (ReLU) on the vectors of user, item and time. Without any, the prediction is the dot
    product."""
    retrieval_weight: NonNegative = 0.0
    """Weight of a second task for the same vectors: identifying the rated item among those of the batch."""
    history_dropout: Dropout = 0.2
    """Share of the user's other events left out of a training example."""
    id_dropout: Dropout = 0.05
    """Share of training examples whose user is treated as unknown, and likewise whose item is."""
    regularization: NonNegative = 0.07
    """Weight of the squared biases and vectors in the loss; the squared error of the rating has weight 1."""
    head_regularization: NonNegative = 0.01
    """Weight of the squared parameters of the dense layers in the loss."""
    learning_rate: Positive = 0.003
    """Step size of Adam."""
    batch_size: PositiveInt = 1024
    """Number of ratings in a batch."""
    epochs: PositiveInt = 20
    patience: PositiveInt = 1


class RankingSettings(Section):
    """The model that predicts ratings."""

    model: Literal["bayesian", "network"] = "bayesian"
    """The model to fit, with the settings in the table of its name."""
    bayesian: BayesianSettings = BayesianSettings()
    network: NetworkSettings = NetworkSettings()
