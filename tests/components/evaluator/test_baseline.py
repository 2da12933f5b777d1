import json
import shutil
from pathlib import Path

import pytest
from tfx.types import Artifact, standard_artifacts

from components.evaluator.baseline import LatestOtherBlessedModelStrategy
from schemas import layout
from schemas.model_card import ModelCard
from schemas.settings import SplitSettings
from schemas.training_record import TrainingRecord


class Store:
    """Models on disk, as many as are asked for."""

    def __init__(self, folder: Path, record: TrainingRecord):
        self.folder, self.record = folder, record
        self.others: dict[int, str] = {}
        """Text of the training record, for models that have another one."""

    def model(self, number: int) -> Artifact:
        artifact = standard_artifacts.Model()
        artifact.id = number
        artifact.uri = str(self.folder / str(number))
        return artifact

    def resolve(
        self, current: int, blessings: dict[int, int], deleted: int | None = None, not_pushed: tuple[int, ...] = ()
    ) -> list[int]:
        for number in {current, *blessings}:
            record = self.folder / str(number) / "Format-Serving" / layout.TRAINING_RECORD
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(self.others.get(number, self.record.model_dump_json()))
        if deleted is not None:
            shutil.rmtree(self.folder / str(deleted))
        inputs = {
            "current": [self.model(current)],
            "model": [self.model(number) for number in {current, *blessings}],
            "model_blessing": [_blessing(standard_artifacts.ModelBlessing(), *item) for item in blessings.items()],
            "infra_blessing": [
                _blessing(standard_artifacts.InfraBlessing(), number, int(number not in not_pushed))
                for number in blessings
            ],
        }
        resolved = LatestOtherBlessedModelStrategy().resolve_artifacts(None, inputs)
        assert [artifact.id for artifact in resolved["current"]] == [current]
        return [artifact.id for artifact in resolved["model"]]


@pytest.fixture
def store(tmp_path: Path, model_card: ModelCard) -> Store:
    return Store(tmp_path, model_card.training)


def _blessing(artifact: Artifact, model: int, blessed: int) -> Artifact:
    artifact.set_int_custom_property("current_model_id", model)
    artifact.set_int_custom_property("blessed", blessed)
    return artifact


def test_the_first_model_has_no_baseline(store):
    assert store.resolve(1, {}) == []


def test_a_model_is_never_its_own_baseline(store):
    assert store.resolve(1, {1: 1}) == []
    assert store.resolve(3, {1: 1, 2: 1, 3: 1}) == [2]


def test_the_latest_blessed_one_counts_and_a_refused_one_does_not(store):
    assert store.resolve(4, {1: 1, 2: 1, 3: 0}) == [2]
    assert store.resolve(2, {1: 0}) == []


def test_an_older_model_that_comes_back_is_compared_with_the_newer_one(store):
    assert store.resolve(1, {1: 1, 2: 1}) == [2]


def test_a_model_whose_files_are_gone_is_passed_over(store):
    assert store.resolve(4, {1: 1, 2: 1}, deleted=2) == [1]


@pytest.mark.parametrize(
    "changed",
    [{"seeds": {"split": 43, "training": 42}}, {"data": {"split_method": "other"}}, {"data": {"eval_share": 0.123}}],
)
def test_a_model_of_another_split_is_passed_over(store, changed):
    # It was trained on part of what the current one is evaluated on.
    record = store.record.model_dump(mode="json")
    other = json.dumps({**record, **changed, "data": record["data"] | changed.get("data", {})})
    store.others[2] = other
    assert store.resolve(3, {1: 1, 2: 1}) == [1]
    store.others[1] = other
    assert store.resolve(3, {1: 1, 2: 1}) == []
    # What is compared is all that a split depends on.
    assert set(SplitSettings.model_fields) == {"method", "eval_share", "seed"}


def test_a_model_whose_record_cannot_be_read_is_passed_over(store):
    store.others[2] = '{"format": "of another version"}'
    assert store.resolve(3, {1: 1, 2: 1}) == [1]


def test_what_the_canary_refused_is_passed_over(store):
    assert store.resolve(3, {1: 1, 2: 1}, not_pushed=(2,)) == [1]
    assert store.resolve(3, {1: 1, 2: 1}, not_pushed=(1, 2)) == []
