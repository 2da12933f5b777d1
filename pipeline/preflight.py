"""Checks before TensorFlow is imported: folders to write to, the engine, the package of the index."""

import contextlib
import multiprocessing
import socket
import uuid
from pathlib import Path

from schemas import index
from schemas.errors import SettingsError
from schemas.settings import BeamSettings, Settings

CONNECT_SECONDS = 10


def check(settings: Settings) -> None:
    """Checks the folders to write to, the engine of the data steps and the package of the index.

    Raises:
      SettingsError: a folder cannot be written to, the engine cannot be reached, cannot reach the folders or lacks
        semaphores; or the index needs a package that is missing.
    """
    if problem := index.why_unavailable(settings.index.kind):
        raise SettingsError(problem)
    _check_engine(settings.beam)
    folders = {
        "export.serving": settings.export.serving / settings.name,
        "local.artifacts": settings.local.artifacts / settings.name,
        "local.runs": settings.local.runs,
    }
    if settings.batch.enabled:
        folders["batch.folder"] = settings.batch.folder / settings.name
    for key, folder in folders.items():
        _check_writable(key, folder)


def _check_engine(beam: BeamSettings) -> None:
    if beam.engine == "dataflow":
        raise SettingsError(
            "beam.engine: Dataflow's workers cannot see this machine's folders, where a local run keeps its artifacts; "
            "use another engine here, and this one on Kubeflow Pipelines, with kubeflow.root and kubeflow.data on gs://"
        )
    if beam.engine == "direct":
        _check_semaphores()
    endpoint = beam.endpoint()
    if endpoint is None:
        return
    host, port = endpoint.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"beam.{beam.engine}: nothing answers at {endpoint}: {error}; start the cluster or fix the address"
        ) from error


def _check_semaphores() -> None:
    # Beam's sinks use thread pools of `multiprocessing`, whose locks are semaphores.
    try:
        multiprocessing.Lock()
    except OSError as error:
        raise SettingsError(
            f"beam.engine: 'direct' needs semaphores, and this system cannot create any in /dev/shm: {error.strerror}; "
            "mount a tmpfs there that this user may write to"
        ) from error


def _check_writable(key: str, folder: Path) -> None:
    # Tried by writing: permission bits do not show a read-only mount or a full disk.
    probe = folder / f".probe-{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
        raise SettingsError(
            f"{folder}: cannot be written to: {error.strerror}; make it writable or set {key} to another folder"
        ) from error
