"""Runs of the whole pipeline on small data with different Beam engines, and a comparison of their results.

The steps that Beam does not run are kept as cheap as possible.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

import small_shop
from schemas import verdict

ROOT = Path(__file__).parents[2]
_SETTINGS = """
[split]
method = "time"
[training]
seed = 1
[retrieval]
epochs = 1
[ranking.bayesian]
sweeps = 10
burn_in = 2
[canary]
calls = 2
latency_p50_ms = 1e6
latency_p99_ms = 1e6
[batch]
enabled = true
k = 10
users_per_shard = 50
[gate.thresholds]
recall_at_10 = { at_least = 0.0 }
"""


def prepare(folder: Path, engine: str) -> list[str]:
    """Writes data and settings into a folder and returns the command that runs the pipeline there.

    Args:
      folder: an existing folder to work in.
      engine: the section `beam` of the settings, as TOML; empty for the direct engine.
    """
    small_shop.write(folder / "data")
    (folder / "shop.toml").write_text(f'name = "shop"\n{small_shop.DATA}{_SETTINGS}{engine}')
    return [sys.executable, str(ROOT / "runner.py"), "--local", "--fast", "--config", "shop.toml"]


def run(folder: Path, command: list[str]) -> str:
    """Runs the pipeline, which must succeed; returns its output."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_beam_steps(folder: Path, engine: str) -> str:
    """Runs only the steps of Beam again, on another engine, in a folder of `run`; returns what that prints."""
    config = folder / "shop.toml"
    config.write_text(config.read_text() + engine)
    shutil.rmtree(folder / "recommendations")
    command = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "shared" / "beam_steps.py"), "shop.toml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_same_results(one: Path, other: Path) -> None:
    """Asserts that two runs have the same examples, vocabularies and, up to rounding, metrics, and serve all users."""
    for split in ("train", "eval", "candidates"):
        assert _examples(one, split) == _examples(other, split)
    assert _vocabularies(one) == _vocabularies(other)
    assert _metrics(one) == pytest.approx(_metrics(other), abs=1e-6, nan_ok=True)
    assert _recommended_to(one) == _recommended_to(other) == small_shop.USERS


def artifact(folder: Path, step: str, output: str) -> Path:
    """Returns the newest artifact of a step's output."""
    return max((folder / "artifacts" / "shop" / step / output).iterdir(), key=lambda path: int(path.name))


def _examples(folder: Path, split: str) -> Counter[bytes]:
    import tensorflow as tf

    files = (artifact(folder, "RatingsExampleGen", "examples") / f"Split-{split}").iterdir()
    records = tf.data.TFRecordDataset(list(map(str, files)), compression_type="GZIP").as_numpy_iterator()
    # Serialize again, since the order of an example's features is not defined.
    return Counter(tf.train.Example.FromString(record).SerializeToString(deterministic=True) for record in records)


def _vocabularies(folder: Path) -> dict[str, bytes]:
    assets = artifact(folder, "Transform", "transform_graph") / "transform_fn" / "assets"
    return {path.name: path.read_bytes() for path in assets.iterdir()}


def _metrics(folder: Path) -> dict[tuple[str, str], float]:
    found = verdict.read(str(artifact(folder, "Evaluator", "evaluation")))
    return {(record.metric, record.slice): record.value for record in found.metrics}


def _recommended_to(folder: Path) -> int:
    [version] = (folder / "recommendations" / "shop").iterdir()
    assert (version / "_SUCCESS").exists()
    return pd.read_parquet(version)["user_id"].nunique()
