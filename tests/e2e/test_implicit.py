"""The whole pipeline on events without ratings and times, through the command line, to `recommend` and the batch."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import semaphores
import small_shop
from schemas import model_card as cards
from small_shop import GROUPS, USERS

pytestmark = [pytest.mark.e2e, semaphores.needed]

ROOT = Path(__file__).parents[2]
CONFIG = """
name = "clicks"
[data]
folder = "data"
columns = { user = "client", item = "product", rating = "", timestamp = "" }
[canary]
calls = 20
latency_p50_ms = 1e6
latency_p99_ms = 1e6
[batch]
enabled = true
k = 5
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the events of users who each like one of four groups of items, and a settings file."""
    folder = tmp_path_factory.mktemp("shop")
    small_shop.write(folder / "data")
    (folder / "clicks.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def run(shop: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "runner.py"), "--local", "--config", "clicks.toml", "--fast"]
    return subprocess.run(command, cwd=shop, capture_output=True, text=True, check=False)


def test_events_alone_make_a_blessed_version_without_ratings(shop, run):
    assert run.returncode == 0, run.stdout + run.stderr
    for said in ("no ratings: implicit feedback", "no times: events are in the order of the files"):
        assert said in run.stdout
    assert "RMSE" not in run.stdout and "ranking" not in run.stdout
    [version] = (shop / "serving" / "clicks").iterdir()
    assert not (version / "assets.extra" / "ranking.tflite").exists()
    assert (version / "assets.extra" / "retrieval.tflite").exists()
    card = cards.read(version)
    assert card.evaluation.blessed and card.evaluation.value("lift_over_popularity").lower > 0
    data = card.training.data
    assert data.rating_scale is data.first_timestamp is data.last_timestamp is None


def test_the_batch_holds_what_recommend_answers(shop, run):
    [shard] = (shop / "recommendations" / "clicks").glob("*/shard-*.parquet")
    written = pd.read_parquet(shard)
    assert written.groupby("user_id").size().to_dict() == {f"c{user:03}": 5 for user in range(USERS)}
    assert "rating" not in written.columns
    command = [sys.executable, "-m", "pipeline.commands.recommend", "--model", str(shop / "serving" / "clicks")]
    process = subprocess.run(
        [*command, "--user", "c007", "--k", "5", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    items = json.loads(process.stdout)["items"]
    assert {item["item_id"] for item in items} == set(written[written.user_id == "c007"].item_id)
    assert all("rating" not in item for item in items)
    # Unseen items of the user's own group come first.
    assert sum(int(item["item_id"][1:]) % GROUPS == 7 % GROUPS for item in items) >= 4
