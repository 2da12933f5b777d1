from tfx.types import Artifact, standard_artifacts

from components.evaluator.baseline import LatestOtherBlessedModelStrategy


def _model(number: int) -> Artifact:
    artifact = standard_artifacts.Model()
    artifact.id = number
    return artifact


def _blessing(model: int, blessed: int) -> Artifact:
    artifact = standard_artifacts.ModelBlessing()
    artifact.set_int_custom_property("current_model_id", model)
    artifact.set_int_custom_property("blessed", blessed)
    return artifact


def _resolve(current: int, blessings: dict[int, int]) -> list[int]:
    inputs = {
        "current": [_model(current)],
        "model": [_model(number) for number in {current, *blessings}],
        "model_blessing": [_blessing(model, blessed) for model, blessed in blessings.items()],
    }
    resolved = LatestOtherBlessedModelStrategy().resolve_artifacts(None, inputs)
    assert [artifact.id for artifact in resolved["current"]] == [current]
    return [artifact.id for artifact in resolved["model"]]


def test_the_first_model_has_no_baseline():
    assert _resolve(1, {}) == []


def test_a_model_is_never_its_own_baseline():
    assert _resolve(1, {1: 1}) == []
    assert _resolve(3, {1: 1, 2: 1, 3: 1}) == [2]


def test_the_latest_blessed_one_counts_and_a_refused_one_does_not():
    assert _resolve(4, {1: 1, 2: 1, 3: 0}) == [2]
    assert _resolve(2, {1: 0}) == []


def test_an_older_model_that_comes_back_is_compared_with_the_newer_one():
    assert _resolve(1, {1: 1, 2: 1}) == [2]
