"""The Trainer's part of the model card."""

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from recommender.interactions.interactions import Interactions
from recommender.training.fit_recommender import FittedRecommender
from schemas import layout
from schemas.settings import Settings
from schemas.training_record import Chosen, DataWindow, TrainingRecord

_PACKAGES = ("numpy", "tensorflow", "tensorflow-recommenders", "tf-keras", "tfx")
# The record is published with the model, so it omits where the data is stored.
_OMITTED: Any = {"name": True, "data": {"folder"}}


def training_record(
    events: Interactions, fitted: FittedRecommender, settings: Settings, code_version: str
) -> TrainingRecord:
    """Returns the record of a training.

    Args:
      events: training events.
      fitted: the models.
      settings: settings, of which those that are set explicitly are recorded.
      code_version: hash of the Trainer's sources.
    """
    times = events.timestamp[events.is_timed]
    return TrainingRecord(
        name=settings.name,
        data=DataWindow(
            events=len(events),
            users=len(np.unique(events.user)),
            items=len(np.unique(events.item)),
            catalogue_items=events.num_items,
            first_timestamp=int(times.min()) if events.has_times else None,
            last_timestamp=int(times.max()) if events.has_times else None,
            rating_scale=fitted.parts.scale,
            split_method=settings.split.method,
            eval_share=settings.split.eval_share,
        ),
        seeds={"split": settings.split.seed, "training": settings.training.seed},
        chosen=Chosen(
            **{f"{name}_weight": float(weight) for name, weight in fitted.retrieval.weights._asdict().items()},
            rating_model=fitted.rating_model,
            rating_weight=fitted.serving.rating_weight if fitted.rating_model else None,
        ),
        code_version=code_version,
        libraries={"python": platform.python_version()} | {name: metadata.version(name) for name in _PACKAGES},
        settings=settings.model_dump(mode="json", exclude=_OMITTED, exclude_unset=True),
    )


def write_record(record: TrainingRecord, folder: str) -> None:
    """Adds the record to the SavedModel in `folder`."""
    path = Path(folder) / layout.TRAINING_RECORD
    path.parent.mkdir(exist_ok=True)
    path.write_text(record.model_dump_json(indent=1), encoding="utf-8")
