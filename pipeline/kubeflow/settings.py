"""Checks of the settings for a run on Kubeflow Pipelines."""

import sys
from importlib.util import find_spec
from pathlib import PurePosixPath

from pipeline.cloud_folder import STORAGE
from pipeline.containers import artifacts, data
from schemas import layout
from schemas.errors import SettingsError
from schemas.settings import KubeflowSettings, Settings

DEFAULT = "default"
"""Key of the resources of all steps that are not named."""
_NO_TENSORFLOW_IO = (3, 11)
"""From this Python on, TensorFlow is newer than the last one that tensorflow-io was built for."""


def sqlite_file(settings: Settings) -> str:
    """Path of the metadata store in the containers, if it is a SQLite file."""
    return settings.kubeflow.metadata.sqlite.path or f"{artifacts(settings)}/{layout.METADATA}"


def check(settings: Settings) -> None:
    """Refuses settings that could only fail in the cluster.

    Raises:
      SettingsError: a setting of `kubeflow` is missing or cannot work.
    """
    kubeflow, place = settings.kubeflow, data(settings)
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
            f"kubeflow.root is {kubeflow.root!r}: artifacts need a folder on a mounted volume, or a gs:// or s3:// "
            "address; mount another store as a volume (kubeflow.volumes) and give the folder where it is mounted"
        )
    if scheme == "s3" and find_spec("tensorflow_io") is None:
        remedy = (
            "is not installed here; install it here and in the image (docs/kubeflow.md)"
            if sys.version_info < _NO_TENSORFLOW_IO
            else "has no build for this Python; use ATALAYA_STACK=py310 and its image (docs/kubeflow.md)"
        )
        raise SettingsError(
            f"kubeflow.root is {kubeflow.root!r}, which TensorFlow reads through the package tensorflow-io: it "
            f"{remedy}, or mount the store as a volume"
        )
    if not scheme:
        _check_mounted("kubeflow.root", kubeflow.root, kubeflow)
    if scheme or kubeflow.outputs:
        _check_mounted("kubeflow.outputs", kubeflow.outputs or kubeflow.root, kubeflow)
    if not place.startswith(STORAGE):
        _check_mounted("kubeflow.data", place, kubeflow)
    if kubeflow.metadata.kind == "sqlite":
        _check_mounted("kubeflow.metadata.sqlite.path", sqlite_file(settings), kubeflow)
        if any(PurePosixPath(sqlite_file(settings)) == PurePosixPath(volume.path) for volume in kubeflow.volumes):
            raise SettingsError(
                f"kubeflow.metadata.sqlite.path: {sqlite_file(settings)} is the folder of a volume; give a file in it"
            )
    _check_engine(settings)


def _check_engine(settings: Settings) -> None:
    """Refuses an engine that a step's container cannot reach, or whose workers cannot reach the files."""
    beam, root = settings.beam, settings.kubeflow.root
    if beam.engine == "direct":
        return
    if root.startswith("s3://"):
        raise SettingsError(
            f"kubeflow.root is {root!r}, for which the workers of beam.engine {beam.engine!r} have no file system: "
            'keep the artifacts elsewhere, or set beam.engine to "direct"'
        )
    if beam.engine == "dataflow":
        _check_dataflow(settings)
        return
    server = getattr(beam, beam.engine).job_server
    if not server:
        raise SettingsError(
            f"beam.{beam.engine}: without `job_server`, a step would start one with Java, which the image does not "
            f"have: run one next to the cluster and set beam.{beam.engine}.job_server to its address"
        )
    host = server.rpartition(":")[0].lower()
    if host == "localhost" or host.startswith("127."):
        raise SettingsError(
            f"beam.{beam.engine}.job_server is {server!r}, which in a step's container is the container itself: give "
            "the address by which the containers reach it, such as that of a Kubernetes service"
        )


def _check_dataflow(settings: Settings) -> None:
    for key, place in {"root": settings.kubeflow.root, "data": data(settings)}.items():
        if not place.startswith(STORAGE):
            raise SettingsError(
                f"kubeflow.{key} is {place!r}: Dataflow's workers do not have the cluster's volumes: give a gs:// "
                "address, or use another beam.engine"
            )
    if settings.batch.enabled:
        raise SettingsError(
            "batch.enabled: the recommendations are written to a folder on a volume, which Dataflow's workers do not "
            "have: set it to false, or use another beam.engine"
        )


def _check_mounted(key: str, path: str, kubeflow: KubeflowSettings) -> None:
    if ".." in PurePosixPath(path).parts:
        raise SettingsError(f"{key}: {path} contains `..`; give the resolved path")
    if not any(PurePosixPath(path).is_relative_to(volume.path) for volume in kubeflow.volumes):
        mounted = ", ".join(volume.path for volume in kubeflow.volumes) or "none"
        raise SettingsError(
            f"{key}: {path} is on no mounted volume, and other files of a container are lost when it ends; "
            f"mounted: {mounted}; add it to kubeflow.volumes, or set {key} to a folder on one of these"
        )


def check_steps(kubeflow: KubeflowSettings, steps: list[str]) -> None:
    """Refuses resources for a step that does not exist.

    Raises:
      SettingsError: the message names the existing steps.
    """
    for name in kubeflow.resources:
        if name not in (*steps, DEFAULT):
            raise SettingsError(
                f"kubeflow.resources.{name}: no such step; the steps are: {', '.join([DEFAULT, *steps])}"
            )
