import shutil
from pathlib import Path

import pytest
from tfx.types import Artifact, standard_artifacts

from components.evaluator.baseline import LatestOtherBlessedModelStrategy

RANDOM, OTHER_SEED = '{"method":"random","seed":42}', '{"method":"random","seed":43}'


class Store:
    """Models on disk, as many as are asked for."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.splits: dict[int, str] = {}

    def model(self, number: int) -> Artifact:
        artifact = standard_artifacts.Model()
        artifact.id = number
        artifact.uri = str(self.folder / str(number))
        artifact.set_string_custom_property("split", self.splits.get(number, RANDOM))
        return artifact

    def resolve(
        self, current: int, blessings: dict[int, int], deleted: int | None = None, not_pushed: tuple[int, ...] = ()
    ) -> list[int]:
        for number in {current, *blessings}:
            (self.folder / str(number) / "Format-Serving").mkdir(parents=True, exist_ok=True)
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
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


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


def test_a_model_of_another_split_is_passed_over(store):
    # It was trained on part of what the current one is evaluated on.
    store.splits[2] = OTHER_SEED
    assert store.resolve(3, {1: 1, 2: 1}) == [1]
    store.splits[1] = OTHER_SEED
    assert store.resolve(3, {1: 1, 2: 1}) == []


def test_what_the_canary_refused_is_passed_over(store):
    assert store.resolve(3, {1: 1, 2: 1}, not_pushed=(2,)) == [1]
    assert store.resolve(3, {1: 1, 2: 1}, not_pushed=(1, 2)) == []
