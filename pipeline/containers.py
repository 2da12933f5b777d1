"""The settings as the steps see them in their containers, on Kubeflow Pipelines and on Vertex AI."""

from pathlib import Path

from pipeline.cloud_folder import STORAGE, CloudFolder
from schemas.settings import Settings


def in_containers(settings: Settings) -> Settings:
    """The settings with the folders that a step sees."""
    outputs = Path(settings.kubeflow.outputs or settings.kubeflow.root)
    place = data(settings)
    folder = CloudFolder(place.removeprefix(STORAGE)) if place.startswith(STORAGE) else Path(place)
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"folder": folder}),
            "export": settings.export.model_copy(update={"serving": outputs / "serving"}),
            "batch": settings.batch.model_copy(update={"folder": outputs / "recommendations"}),
        }
    )


def artifacts(settings: Settings) -> str:
    """Folder or address of the artifacts."""
    return f"{settings.kubeflow.root.rstrip('/')}/artifacts/{settings.name}"


def data(settings: Settings) -> str:
    """Folder or address of the data."""
    return settings.kubeflow.data or str(settings.data.folder)
