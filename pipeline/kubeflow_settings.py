"""What a run on Kubeflow asks of the settings, and the folders that its steps see."""

from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from schemas.errors import SettingsError
from schemas.kubeflow import KubeflowSettings
from schemas.settings import Settings

DEFAULT = "default"
"""Key of the resources of the steps that are not named."""


def in_containers(settings: Settings) -> Settings:
    """The settings with the folders that a step sees."""
    outputs = Path(settings.kubeflow.outputs or settings.kubeflow.root)
    data = settings.data.model_copy(update={"folder": Path(settings.kubeflow.data or settings.data.folder)})
    return settings.model_copy(
        update={
            "data": data,
            "export": settings.export.model_copy(update={"serving": outputs / "serving"}),
            "batch": settings.batch.model_copy(update={"folder": outputs / "recommendations"}),
        }
    )


def artifacts(settings: Settings) -> str:
    """Folder of the artifacts in the containers."""
    return f"{settings.kubeflow.root.rstrip('/')}/artifacts/{settings.name}"


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
    scheme, _, rest = kubeflow.root.rpartition("://")
    if scheme not in ("", "gs", "s3") or not rest.strip("/"):
        raise SettingsError(
            f"kubeflow.root is {kubeflow.root!r}: artifacts lie on a mounted volume or a gs:// or s3:// address; "
            "mount another store as a volume (kubeflow.volumes) and give the folder where it is mounted"
        )
    if scheme == "s3" and find_spec("tensorflow_io") is None:
        raise SettingsError(
            f"kubeflow.root is {kubeflow.root!r}, which TensorFlow reads through the package tensorflow-io: it is not "
            "installed here; install it here and in the image (docs/kubeflow.md), or mount the store as a volume"
        )
    if not scheme:
        _check_mounted("kubeflow.root", kubeflow.root, kubeflow)
    if scheme or kubeflow.outputs:
        _check_mounted("kubeflow.outputs", kubeflow.outputs or kubeflow.root, kubeflow)
    if kubeflow.metadata.kind == "sqlite":
        _check_mounted("kubeflow.metadata.path", sqlite_file(settings), kubeflow)


def _check_mounted(key: str, path: str, kubeflow: KubeflowSettings) -> None:
    if not any(PurePosixPath(path).is_relative_to(volume.path) for volume in kubeflow.volumes):
        mounted = ", ".join(volume.path for volume in kubeflow.volumes) or "none"
        raise SettingsError(
            f"{key}: {path} lies on no mounted volume, so that nobody would see what a step writes there; mounted: "
            f"{mounted}; add it to kubeflow.volumes, or set {key} to a folder on one of these"
        )


def check_steps(kubeflow: KubeflowSettings, steps: list[str]) -> None:
    """Refuses resources for a step that there is not.

    Raises:
      SettingsError: names the steps that there are.
    """
    for name in kubeflow.resources:
        if name not in (*steps, DEFAULT):
            raise SettingsError(f"kubeflow.resources.{name}: no such step; there are: {', '.join([DEFAULT, *steps])}")
