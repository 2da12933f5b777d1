"""What the README says about your own data, on a small sample of a loyalty programme: look, run, recommend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import loyalty
import semaphores
from schemas import model_card as cards
from schemas.settings import fast, load

pytestmark = [pytest.mark.e2e, semaphores.needed]

ROOT = Path(__file__).parents[2]
LOG = "data/experiences.csv"


def _atalaya(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.commands.main", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_log_is_inspected_run_without_settings_and_recommended_from(tmp_path):
    (tmp_path / LOG).parent.mkdir(parents=True)
    loyalty.write(tmp_path / LOG, loyalty.Size(rows=3_000, clients=500, experiences=80))
    found = _atalaya(tmp_path, "inspect", LOG, "--write", "experiences.toml")
    assert found.returncode == 0, found.stderr
    assert "item-spellings" in found.stdout
    process = _atalaya(tmp_path, "run", "--ratings", LOG, "--fast")
    assert process.returncode == 0, process.stdout + process.stderr
    [run] = (tmp_path / "runs").iterdir()
    assert load(run / "experiences.toml") == fast(load(tmp_path / "experiences.toml"))
    [version] = (tmp_path / "serving" / "experiences").iterdir()
    card = cards.read(version)
    assert card.training.data.rating_scale == (1, 5)
    # With two ratings a user, the ranking model is not better than biases, which refuses nothing.
    assert card.training.chosen.rating_model == "biases" and "biases predict the ratings" in card.evaluation.notes[0]
    process = _atalaya(tmp_path, "recommend", "--model", "serving/experiences", "--user", "C00007", "--json")
    assert process.returncode == 0, process.stderr
    items = [item["item_id"] for item in json.loads(process.stdout)["items"]]
    assert len(items) == 10 and all(" - " in item for item in items)
    again = _atalaya(tmp_path, "run", "--ratings", LOG, "--fast")
    assert again.returncode == 0 and "loading TensorFlow" not in again.stdout
    assert again.stdout.count("unchanged, reused") == 11 and "item-spellings" in again.stdout
    assert len([*tmp_path.glob("runs/*/experiences.toml")]) == 2
