"""The facts stored with a pushed model: how it was trained, what was measured, and the gate's verdict."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from schemas import layout
from schemas.on_device_record import Summary
from schemas.training_record import TrainingRecord
from schemas.verdict import Verdict


class ModelCard(BaseModel):
    """The facts of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: TrainingRecord
    evaluation: Verdict
    on_device: tuple[Summary, ...] = ()
    """The on-device sequence models, exported and refused."""


def read(version: Path) -> ModelCard:
    """The card of a pushed version."""
    return ModelCard.model_validate_json((version / layout.MODEL_CARD).read_text(encoding="utf-8"))
