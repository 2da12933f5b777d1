"""What a run on Kubeflow asks of the settings, and the folders that its steps see."""

from pathlib import Path, PurePosixPath

from schemas.errors import SettingsError
from schemas.kubeflow import KubeflowSettings
from schemas.settings import Settings

DEFAULT = "default"
"""Key of the resources of the steps that are not named."""


def in_containers(settings: Settings) -> Settings:
    """The settings with the folders that a step sees."""
    root = Path(settings.kubeflow.root)
    data = settings.data.model_copy(update={"folder": Path(settings.kubeflow.data or settings.data.folder)})
    return settings.model_copy(
        update={
            "data": data,
            "export": settings.export.model_copy(update={"serving": root / "serving"}),
            "batch": settings.batch.model_copy(update={"folder": root / "recommendations"}),
        }
    )


def artifacts(settings: Settings) -> str:
    """Folder of the artifacts in the containers."""
    return str(PurePosixPath(settings.kubeflow.root) / "artifacts" / settings.name)


def sqlite_file(settings: Settings) -> str:
    """Path of the metadata store in the containers, if it is a file."""
    return settings.kubeflow.metadata.path or f"{artifacts(settings)}/metadata.sqlite"


def check(settings: Settings) -> None:
    """Refuses what could only fail in the cluster.

    Raises:
      SettingsError: something in `kubeflow` is missing or cannot work.
    """
    kubeflow = settings.kubeflow
    if not kubeflow.image:
        raise SettingsError("kubeflow.image: missing; name the container image that has this project installed")
    if kubeflow.data is None and not settings.data.folder.is_absolute():
        raise SettingsError(
            f"data.folder is {str(settings.data.folder)!r}, which no container has: set kubeflow.data to the folder "
            "of the data inside the containers"
        )
    if "://" in kubeflow.root:
        raise SettingsError(
            f"kubeflow.root is {kubeflow.root!r}: steps read and write files; mount the bucket as a volume "
            "(kubeflow.volumes) and give the folder where it is mounted"
        )
    _check_mounted("kubeflow.root", kubeflow.root, kubeflow)
    if kubeflow.metadata.kind == "sqlite":
        _check_mounted("kubeflow.metadata.path", sqlite_file(settings), kubeflow)


def _check_mounted(key: str, path: str, kubeflow: KubeflowSettings) -> None:
    if not any(PurePosixPath(path).is_relative_to(volume.path) for volume in kubeflow.volumes):
        mounted = ", ".join(volume.path for volume in kubeflow.volumes) or "none"
        raise SettingsError(
            f"{key}: {path} lies on no mounted volume, so that no step would see what another wrote; mounted: "
            f"{mounted}; add it to kubeflow.volumes"
        )


def check_steps(kubeflow: KubeflowSettings, steps: list[str]) -> None:
    """Refuses resources for a step that there is not.

    Raises:
      SettingsError: names the steps that there are.
    """
    for name in kubeflow.resources:
        if name not in (*steps, DEFAULT):
            raise SettingsError(f"kubeflow.resources.{name}: no such step; there are: {', '.join([DEFAULT, *steps])}")
