import pytest

from pipeline import containers
from schemas.settings import Settings


@pytest.mark.parametrize(
    ("kubeflow", "data", "serving", "artifacts"),
    [
        ({"root": "/mnt/a"}, "/data/shop", "/mnt/a/serving", "/mnt/a/artifacts/shop"),
        ({"root": "/mnt/a/", "data": "/mnt/d"}, "/mnt/d", "/mnt/a/serving", "/mnt/a/artifacts/shop"),
        (
            {"root": "gs://b/a", "data": "gs://b/d", "outputs": "/mnt/o"},
            "gs://b/d",
            "/mnt/o/serving",
            "gs://b/a/artifacts/shop",
        ),
    ],
)
def test_folders_are_those_of_the_containers(kubeflow, data, serving, artifacts):
    settings = Settings.model_validate({"name": "shop", "data": {"folder": "/data/shop"}, "kubeflow": kubeflow})
    inside = containers.in_containers(settings)
    assert (str(inside.data.folder), str(inside.export.serving)) == (data, serving)
    assert containers.artifacts(settings) == artifacts
    assert str(settings.data.folder) == "/data/shop"
