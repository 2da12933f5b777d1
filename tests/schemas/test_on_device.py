import pytest
from pydantic import ValidationError

from schemas.settings import OnDeviceSettings, SequenceModelSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": {"rating": {"length": 3}}}, "at least one of item, genre and title_word"),
        ({"features": {"item": {"length": 3}, "rating": {"length": 4}}}, "item, rating have one value an event"),
        ({"cnn": {"filters": [4]}}, "filters has 1 layers and kernels 2"),
        ({"encoder": "attention", "embedding_width": 9}, "must be a multiple of heads"),
        (
            {"encoder": "attention", "features": {"item": {"length": 3}, "rating": {"length": 3, "width": 3}}},
            "item \\+ rating has vectors of width 27",
        ),
        ({"encoder": "attention", "features": {"genre": {"length": 3, "width": 5}}}, "genre has vectors of width 5"),
        ({"features": {"item": {"length": 3, "width": 4}}}, "features.item.width: items have the width of the labels"),
        ({"name": "items"}, "name 'items' is that of a file of all models"),
        ({"name": "Upper"}, "a name of lower-case letters, digits"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SequenceModelSettings.model_validate({"name": "x"} | changes)


def test_models_have_names_of_their_own_and_may_be_switched_off() -> None:
    models = [{"name": "a"}, {"name": "b", "enabled": False}]
    settings = OnDeviceSettings.model_validate({"models": models})
    assert [model.name for model in settings.enabled] == ["a"]
    with pytest.raises(ValidationError, match="different names"):
        OnDeviceSettings.model_validate({"models": [*models, {"name": "a"}]})
