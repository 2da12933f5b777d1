"""Fits on several devices; slow, since each is in a fresh process that imports TensorFlow and traces all graphs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import fit_on_devices
import ports
from recommender.models import fused_adam
from recommender.training.devices import is_chief, share_batches, training_strategy

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    """The vectors of a fit on one device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused_adam, "MOST_ROWS", fused_adam.MOST_ROWS)  # so that it is restored
        return fit_on_devices.vectors(fit_on_devices.fit_small())


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    folder.mkdir()
    command = [sys.executable, "-W", "ignore", fit_on_devices.__file__, str(folder), *arguments]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "shared")])
    with open(folder / "log", "wb") as log:
        return subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": path} | environment, stdout=log, stderr=subprocess.STDOUT
        )


def fitted(process: subprocess.Popen[bytes], folder: Path) -> np.ndarray:
    assert process.wait() == 0, (folder / "log").read_text()
    return np.load(folder / "vectors.npy")


def assert_saved(folder: Path, vectors: np.ndarray) -> None:
    loaded = tf.saved_model.load(str(folder / "model"))
    found = loaded.embed_users(user_id=tf.constant(["u7"]))["embedding"].numpy()
    assert found[0] == pytest.approx(vectors[7], abs=1e-5)


def test_two_devices_fit_what_one_does(expected: np.ndarray, tmp_path: Path) -> None:
    found = fitted(start(tmp_path / "one", "mirrored"), tmp_path / "one")
    assert found == pytest.approx(expected, abs=1e-4)
    assert_saved(tmp_path / "one", found)


def test_two_processes_fit_what_one_does_and_the_chief_writes_it(expected: np.ndarray, tmp_path: Path) -> None:
    cluster = {"worker": [f"localhost:{port}" for port in ports.free(2)]}
    folders = [tmp_path / "chief", tmp_path / "other"]
    processes = [
        start(folder, TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}))
        for index, folder in enumerate(folders)
    ]
    try:
        found, other = (fitted(process, folder) for process, folder in zip(processes, folders, strict=True))
    finally:
        for process in processes:
            process.kill()
    assert np.array_equal(found, other)
    assert found == pytest.approx(expected, abs=1e-4)
    assert_saved(folders[0], found)
    assert not (folders[1] / "model").exists()


def test_several_gpus_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [f"{kind}:0", f"{kind}:1"])
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda: "all GPUs")
    assert training_strategy() == "all GPUs"


def test_one_device_gets_the_batches_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    strategy, batches = training_strategy(), tf.data.Dataset.range(2)
    assert share_batches(batches, strategy) is batches and is_chief(strategy)
