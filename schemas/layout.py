"""Every path below a pushed version, a run and a recommender's artifacts, and which version is the newest."""

from pathlib import Path

from schemas.errors import DataError

# Below a pushed version, and below the artifacts that it is put together from.
EXTRA = "assets.extra"
"""Folder of a SavedModel that TensorFlow leaves to its users."""
TRAINING_RECORD = f"{EXTRA}/training.json"
MODEL_CARD = f"{EXTRA}/model_card.json"
ORIGIN = f"{EXTRA}/origin.json"
"""Which model the version is, and how it was pushed."""
RANKING, RETRIEVAL = "ranking", "retrieval"
"""The TFLite models in `EXTRA`; see `tflite_file`."""
ON_DEVICE = f"{EXTRA}/on_device"
"""Folder of the sequence models for devices."""
ON_DEVICE_INDEX = f"{ON_DEVICE}/on_device.json"
ON_DEVICE_ITEMS = "items.json"
"""File of `ON_DEVICE` with the items' numbers."""

# Below a run; the artifacts that the last two are copied from have them under the same names.
LOG = "log.txt"
VERDICT = "verdict.json"
CANARY = "canary.json"

# Below the folder of a recommender's artifacts.
METADATA = "metadata.sqlite"
METADATA_LOCK = "metadata.lock"
"""Makes the steps take turns at the metadata."""
LOCK = "lock"
LAST_RUN = "last_run.json"
"""The results of the last complete run, and what they depend on."""

_SAVED_MODEL = "saved_model.pb"
_MOST = 2**63


def tflite_file(name: str, variant: str = "float32") -> str:
    """The file name of a TFLite model, such as `ranking.tflite` or `ranking.int8.tflite`."""
    return f"{name}.tflite" if variant == "float32" else f"{name}.{variant}.tflite"


def index_folder(kind: str) -> str:
    """The SavedModel of an approximate index."""
    return f"{EXTRA}/index/{kind}"


def index_description(kind: str) -> str:
    """The JSON that says how the index was made, what it measured and whether it was exported."""
    return f"{EXTRA}/index/{kind}.json"


def versions(folder: Path) -> list[Path]:
    """The folders of a recommender's versions, the oldest first.

    A version is a folder whose name is a number in ASCII digits. TensorFlow Serving decides which one is served, so its
    rule is ours: names are compared as numbers, leading zeros do not matter, and of two names of the same number it
    loads the one that sorts last, which is the one with fewer zeros. A number that does not fit into 64 bits is none.

    Args:
      folder: holds the versions; without it there are none.
    """
    return sorted((path for path in folder.glob("*") if is_version(path)), key=lambda path: (int(path.name), path.name))


def is_version(path: Path) -> bool:
    """Whether TensorFlow Serving would take this for a version."""
    # `isdigit` alone is true of ², which is no number to `int`.
    return path.name.isascii() and path.name.isdigit() and int(path.name) < _MOST and path.is_dir()


def newest(folder: Path) -> Path:
    """The version that is served: the one with the highest number.

    Args:
      folder: holds a recommender's versions.

    Raises:
      DataError: there is none.
    """
    if found := versions(folder):
        return found[-1]
    if (folder / _SAVED_MODEL).exists():
        raise DataError(f"{folder}: this is a version itself; give the folder above it")
    raise DataError(f"{folder}: no pushed version; run the pipeline first, or give another folder")
