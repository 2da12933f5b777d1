import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.model_card import ModelCard

# The shell of whoever runs the tests has no say in what they see: our settings, the width and colours of a terminal.
for _name in [*os.environ]:
    if _name.startswith("ATALAYA_KUBEFLOW_") or _name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
        del os.environ[_name]
# Nor does its proxy stand between a test and its server on this machine.
os.environ["no_proxy"] = ",".join([*filter(None, [os.environ.get("no_proxy")]), "localhost", "127.0.0.1"])
# Nor are pytest's own options for TFX's steps, which read those of their process.
del sys.argv[1:]
os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported: TFRS needs it

if TYPE_CHECKING:
    from recommender.serving.recommender import Parts

_LONGEST_FIRST = [
    "e2e/test_kubeflow_steps.py",
    "e2e/test_small.py",
    "e2e/test_movielens.py",
    "e2e/test_own_data.py",
    "e2e/test_implicit.py",
    "e2e/test_portable.py",
    "components/trainer/test_run.py",
    "components/on_device_exporter/test_encoders.py",
    "recommender/training/test_devices.py",
    "recommender/test_library.py",
    "components/canary/test_executor.py",
    "components/canary/test_probe.py",
]
"""Files that take more than half a minute, by the time they take: no process is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; the order within a file stays."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(autouse=True)
def log_is_left_as_it_was() -> Iterator[None]:
    """Programs of ours, called in a test, direct the log of their process elsewhere."""
    logger = logging.getLogger("atalaya")
    handlers, level, propagate = [*logger.handlers], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture(scope="session")
def random_parts() -> "Parts":
    """23 users and 40 items of random vectors; `u4` has seen all items, `u7` all but three."""
    import numpy as np

    from benchmarks.synthetic import random_parts
    from recommender.interactions.ragged import Ragged

    parts = random_parts(num_users=23, num_items=40, width=4, seen=15)
    rows = np.split(parts.seen.values, parts.seen.row_splits[1:-1])
    rows[4], rows[7] = np.arange(40, dtype=np.int32), np.arange(37, dtype=np.int32)
    splits = np.cumsum([0, *map(len, rows)])
    return parts._replace(seen=Ragged(np.concatenate(rows), splits))


@pytest.fixture(scope="session")
def version(random_parts: "Parts", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version with that model; 12 candidates are ranked, by retrieval score + rating / 2."""
    from recommender.serving.export import save
    from schemas.settings import ServingSettings

    folder = tmp_path_factory.mktemp("serving") / "17"
    save(random_parts, str(folder), ServingSettings(k=2, n_candidates=12, rating_weight=0.5))
    return folder


@pytest.fixture
def model_card() -> ModelCard:
    """The card of a model trained on three events, blessed."""
    return ModelCard.model_validate_json((Path(__file__).parent / "model_card.json").read_text())
