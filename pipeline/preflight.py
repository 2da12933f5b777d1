"""Checks before TensorFlow is imported: input files and their headers, folders to write to, the engine."""

import contextlib
import glob
import multiprocessing
import os
import re
import shlex
import socket
import uuid
from pathlib import Path
from typing import Literal

from recommender.sources.parsing import check_header
from schemas import index
from schemas.errors import DataError, SettingsError
from schemas.settings import BeamSettings, DataSettings, Settings

CONNECT_SECONDS = 10


def check(settings: Settings) -> None:
    """Checks the input files, the folders to write to, the engine of the data steps and the package of the index.

    Raises:
      DataError: an input file is absent, empty or lacks a column.
      SettingsError: a folder cannot be written to, the engine cannot be reached, cannot reach the folders or lacks
        semaphores; or the index needs a package that is missing.
    """
    if problem := index.why_unavailable(settings.index.kind):
        raise SettingsError(problem)
    _check_engine(settings.beam)
    _check_file(settings.data, "ratings")
    if settings.data.items:
        _check_file(settings.data, "items")
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


def _check_file(data: DataSettings, table: Literal["ratings", "items"]) -> None:
    pattern = str(data.folder / getattr(data, table))
    # TFX resolves {SPAN}, {YYYY} and the like and chooses the span, so the files of all spans are checked.
    found = sorted(glob.glob(re.sub(r"\{[^}]*\}", "*", pattern)))
    if not found:
        fetch = f"; `atalaya data fetch {data.folder.name} --folder {shlex.quote(str(data.folder.parent))}` fetches it"
        advice = fetch if data.folder.name == "movielens-100k" else ""
        raise DataError(f"{pattern}: no such file; data.folder and data.{table} say where it is expected{advice}")
    for path in found:
        if os.path.isdir(path):
            raise DataError(f"{path}: a folder; data.{table} must name a file below data.folder")
        try:
            check_header(Path(path), data, table)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error


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
