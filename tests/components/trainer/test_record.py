import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from components.trainer.record import training_record, write_record
from recommender.models.retrieval import PartWeights
from schemas.settings import Settings
from schemas.training_record import Chosen, DataWindow, TrainingRecord, read
from small_interactions import interactions

SETTINGS = Settings.model_validate_json(
    '{"name": "shop", "data": {"folder": "/home/somebody"}, "split": {"method": "time", "eval_share": 0.25, "seed": 5},'
    ' "training": {"seed": 7}, "retrieval": {"epochs": 3}}'
)


def fitted(scale: tuple[float, float] | None, rating_model: str | None, rating_weight: float | None) -> SimpleNamespace:
    return SimpleNamespace(
        parts=SimpleNamespace(scale=scale),
        retrieval=SimpleNamespace(weights=PartWeights(np.float32(0.25), 0.5, 0)),
        serving=SimpleNamespace(rating_weight=rating_weight),
        rating_model=rating_model,
    )


@pytest.fixture
def record() -> TrainingRecord:
    """User 0 rated items 3, 1 and 3 again, user 2 item 3; out of the order of time."""
    events = interactions([0, 0, 2, 0], [3, 1, 3, 3], [5, 1, 2, 4], [300, 100, 400, 200], num_users=3, num_items=5)
    return training_record(events, fitted((1.0, 5.0), "biases", 0.5), SETTINGS, "c0de")


def test_the_record_has_the_window_of_the_training_events(record):
    assert record.data == DataWindow(
        events=4,
        users=2,
        items=2,
        catalogue_items=5,
        first_timestamp=100,
        last_timestamp=400,
        rating_scale=(1.0, 5.0),
        split_method="time",
        eval_share=0.25,
    )


def test_without_ratings_and_times_the_record_has_neither_scale_nor_window():
    events = interactions([0, 1], [2, 3], None, None)
    record = training_record(events, fitted(None, None, None), SETTINGS, "c0de")
    data = record.data
    assert record.chosen.rating_model is record.chosen.rating_weight is None
    assert (data.events, data.first_timestamp, data.last_timestamp, data.rating_scale) == (2, None, None, None)


def test_the_record_has_seeds_choices_settings_and_libraries(record):
    assert record.name == "shop" and record.code_version == "c0de"
    assert record.seeds == {"split": 5, "training": 7}
    assert record.chosen == Chosen(
        towers_weight=0.25, linear_weight=0.5, transitions_weight=0.0, rating_model="biases", rating_weight=0.5
    )
    assert record.settings["retrieval"] == {"epochs": 3}
    assert record.libraries["numpy"] == np.__version__ and record.libraries["python"].startswith("3.")
    assert set(record.libraries) >= {"tensorflow", "tf-keras", "tensorflow-recommenders", "tfx"}


def test_the_record_is_written_next_to_the_model_without_paths_of_the_machine(record, tmp_path: Path):
    write_record(record, str(tmp_path))
    assert read(tmp_path) == record
    text = (tmp_path / "assets.extra" / "training.json").read_text()
    assert json.loads(text)["data"]["events"] == 4
    assert "somebody" not in text
