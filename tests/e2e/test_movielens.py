"""The settings of `make run` on the ratings of some users of MovieLens 100K, in a minute or two.

How good the model of all ratings is, `make bench` measures.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import semaphores
from schemas import model_card as cards
from schemas import on_device_record
from schemas import verdict as verdicts

pytestmark = [pytest.mark.e2e, semaphores.needed]

ROOT = Path(__file__).parents[2]
USERS = 250


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of the fetched data set."""
    command = [sys.executable, "-m", "pipeline.commands.datasets", "movielens-100k"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        pytest.skip(f"MovieLens 100K cannot be had here: {process.stderr.strip().splitlines()[0]}")
    return ROOT / "data" / "movielens-100k"


@pytest.fixture
def some(data: Path, tmp_path: Path) -> tuple[Path, int]:
    """A folder with all films and the ratings of the first users, and how many ratings these are."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(data / "items.csv", folder)
    with open(data / "ratings.csv", newline="") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if int(row[header.index("user_id")]) <= USERS]
    with open(folder / "ratings.csv", "w", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    return folder, len(kept)


def test_the_default_settings_bless_and_push_a_model(some, tmp_path):
    folder, ratings = some
    settings = (ROOT / "pipeline" / "configs" / "movielens-100k.toml").read_text()
    # What a model of so few ratings reaches, and how fast a call is on this machine, is not what is tested here.
    for given, lenient in {"least = 0.4 ": "least = 0.0 ", "0.65": "0.0", "0.92": "4.0"}.items():
        assert settings.count(given) == 1
        settings = settings.replace(given, lenient)
    unhurried = "[canary]\nlatency_p50_ms = 1e6\nlatency_p99_ms = 1e6\n"
    config = tmp_path / "movielens.toml"
    config.write_text(settings.replace('"data/movielens-100k"', f'"{folder}"') + unhurried)
    command = [sys.executable, str(ROOT / "runner.py"), "--local", "--fast", "--config", str(config)]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    [evaluation] = (tmp_path / "artifacts" / "movielens-100k" / "Evaluator" / "evaluation").iterdir()
    verdict = verdicts.read(str(evaluation))
    assert verdict.blessed and not verdict.anomalies
    assert verdict.value("lift_over_popularity").lower > 0, "better than popularity beyond chance"
    assert verdict.value("lift_over_bias").lower > 0, "better than biases beyond chance"
    [version] = (tmp_path / "serving" / "movielens-100k").iterdir()
    card = cards.read(version)
    assert card.evaluation.model_dump_json() == verdict.model_dump_json()
    assert (card.training.data.catalogue_items, card.training.seeds["training"]) == (1682, 42)
    assert 0.79 * ratings < card.training.data.events < 0.81 * ratings
    ranking = json.loads((version / "assets.extra" / "ranking.json").read_text())
    assert ranking["bytes"] == (version / "assets.extra" / "ranking.tflite").stat().st_size <= 400_000
    assert ranking["compared"] >= 1_000 and ranking["largest_difference"] <= 1e-4
    retrieval = json.loads((version / "assets.extra" / "retrieval.json").read_text())
    assert retrieval["bytes"] <= 9_000_000 and retrieval["agreement"] == 1.0
    [bow] = on_device_record.read(version)
    assert [file.variant for file in bow.exported] == ["float32", "dynamic_range"]
    command = [
        sys.executable,
        "-m",
        "pipeline.commands.recommend",
        "--model",
        str(version.parent),
        "--on-device",
        "--json",
    ]
    process = subprocess.run(
        [*command, "--history", "71", "--history", "1"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    items = [item["item_id"] for item in json.loads(process.stdout)["items"]]
    assert len(items) == 10 and not {"71", "1"} & set(items)
