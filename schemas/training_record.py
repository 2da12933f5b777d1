"""What a model was trained on, with which settings and versions: the Trainer's part of the model card."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from schemas import layout

RatingModel = Literal["bayesian", "network", "biases"]
"""What predicts ratings."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataWindow(_Record):
    """The training events."""

    events: int
    users: int
    """Users with training events."""
    items: int
    """Items with training events."""
    catalogue_items: int
    """Items that can be recommended, rated or not."""
    first_timestamp: int | None
    """Seconds since 1970-01-01 UTC; null if no event has a time."""
    last_timestamp: int | None
    """Seconds since 1970-01-01 UTC; null if no event has a time."""
    rating_scale: tuple[float, float] | None
    """Lowest and highest rating; predictions stay within. Null if no event has a rating: the model predicts none."""
    split_method: str
    eval_share: float
    """Share of all events that is kept for the evaluation; these events are not included."""


class Chosen(_Record):
    """What was chosen on held-out training events."""

    towers_weight: float
    """Of the towers' vectors, relative to popularity; 0 if the model has none."""
    linear_weight: float
    """Of the linear part's scores."""
    transitions_weight: float
    """Of the scores of the items that follow the latest ones."""
    rating_model: RatingModel | None
    """What predicts ratings: user and item biases if the ranking model was not better beyond chance. Null without
    ratings."""
    rating_weight: float | None
    """Of the predicted ratings in the order of `recommend`, chosen unless the settings fix it. Null without ratings."""


class TrainingRecord(_Record):
    """One training."""

    name: str
    """Of the recommender."""
    data: DataWindow
    seeds: dict[str, int]
    """By section of the settings."""
    chosen: Chosen
    code_version: str
    """Hash of the Trainer's sources."""
    libraries: dict[str, str]
    """Versions by the package's name; `python` among them."""
    settings: dict[str, Any]
    """Sections of the settings that the model depends on."""


def read(model_folder: Path) -> TrainingRecord:
    """The record in the folder of a SavedModel."""
    return TrainingRecord.model_validate_json((model_folder / layout.TRAINING_RECORD).read_text(encoding="utf-8"))
