import json
from pathlib import Path

import pytest

from benchmarks import scaling
from benchmarks.scaling import Cost


def test_synthetic_ratings_have_the_requested_number_and_no_duplicates():
    ratings = scaling.make_ratings(3_000)
    assert len(ratings) == 3_000
    assert not ratings.duplicated(["user_id", "item_id"]).any()
    assert ratings["user_id"].nunique() == 20
    assert ratings["rating"].between(1, 5).all() and ratings["rating"].nunique() == 5


def test_a_long_tail_has_few_ratings_a_user_and_an_item():
    ratings = scaling.make_long_tail(20_000)
    assert len(ratings) == 20_000 and not ratings.duplicated(["user_id", "item_id"]).any()
    assert 3_000 < ratings["user_id"].nunique() <= 4_000 and 600 < ratings["item_id"].nunique() <= 800
    of_items = ratings["item_id"].value_counts()
    assert of_items.median() < 15 and of_items.max() > 100
    assert ratings["user_id"].value_counts().max() > 100


def test_an_interrupted_measurement_keeps_the_costs_of_completed_steps(tmp_path, monkeypatch):
    runs = [
        [
            ("ExampleGen", Cost(10.0, 15.0, 1.0), Cost(12.0, 16.0, 1.5)),
            ("Transform", Cost(20.0, 25.0, 2.0), Cost(22.0, 45.0, 3.0)),
        ],
        [("Evaluator", Cost(30.0, 35.0, 3.0), Cost(31.0, 36.0, 2.0))],
        [],
    ]
    monkeypatch.setattr(scaling, "_steps", lambda folder, options: iter(runs.pop(0)))
    for _ in range(2):
        costs = scaling._measure(tmp_path, 300, [])
    assert costs == {
        "ExampleGen": (10.0, 15.0, 1.0),
        "Transform": (20.0, 25.0, 2.0),
        "Evaluator": (30.0, 35.0, 3.0),
        "all": (53.0, 81.0, 3.0),
    }
    assert json.loads((tmp_path / "costs.json").read_text()) == {step: list(cost) for step, cost in costs.items()}
    assert scaling._measure(tmp_path, 300, []) == costs


def test_larger_sizes_are_on_the_line_through_the_two_largest():
    costs = {
        10: {"Trainer": Cost(1.0, 9e9, 9e9)},
        1_000_000: {"start": Cost(1.0, 1.0, 1.0), "Trainer": Cost(1.0, 30.0, 1.0), "Pusher": Cost(1.0, 3.0, 2.0)},
        3_000_000: {"start": Cost(1.0, 1.0, 1.0), "Trainer": Cost(1.0, 90.0, 2.0), "Pusher": Cost(1.0, 2.0, 2.0)},
    }
    head, _, *lines = scaling._projection(costs).splitlines()
    assert "30,000,000" in head and "300,000,000" in head
    # 30 s and 0.5 GiB a million: 90 + 27 * 30 s and 2 + 27 * 0.5 GiB for 30 million.
    assert lines == ["| Trainer | 30 | 0.5 | 0.25 | 16 | 2.5 | 150 |", "| Pusher | 0 | 0 | 0.00056 | 2 | 0.00056 | 2 |"]


RUNNER = """
import os, sys, time
from pathlib import Path

def step(name, size, spins):
    if os.fork() == 0:
        Path("/proc/self/comm").write_text(name)
        memory = b"1" * size
        end = time.process_time() + spins
        while time.process_time() < end:
            pass
        os.write(ready, b"1")
        time.sleep(4)
        os._exit(0)

def say(line):
    os.write(1, f"{line}\\n".encode())

say("Atalaya: scaling")
if os.fork() == 0:
    say("[ 1/3] RatingsExampleGen started")
    say("[ 2/3] Trainer started")
    done, ready = os.pipe()
    step("RatingsExampleGen", 1 << 10, 0)
    step("Trainer", 1 << 28, 0.3)
    os.read(done, 1)
    os.read(done, 1)
    time.sleep(2)
    say("[ 2/3] Trainer            1.2 s")
    say("        a message")
    say("[ 1/3] RatingsExampleGen  1.3 s")
    say("[ 3/3] Pusher started")
    say("[ 3/3] Pusher  0.0 s unchanged, reused")
    os._exit(0)
os.wait()
"""


def test_steps_at_the_same_time_have_their_own_costs(tmp_path, monkeypatch):
    (tmp_path / "runner.py").write_text(RUNNER)
    monkeypatch.setattr(scaling, "ROOT", tmp_path)
    costs = {step: cost for step, cost, _ in scaling._steps(tmp_path, [])}
    assert list(costs) == ["start", "Trainer", "RatingsExampleGen"]
    assert costs["Trainer"].processor >= 0.25 > costs["RatingsExampleGen"].processor
    assert costs["Trainer"].memory >= 0.25 > costs["RatingsExampleGen"].memory
    assert costs["Trainer"].seconds >= 1.4


def test_a_run_that_fails_is_no_measurement(tmp_path: Path):
    (tmp_path / "scaling.toml").write_text('name = "scaling"\n[data]\nfolder = "nowhere"\n')
    with pytest.raises(SystemExit, match="failed"):
        list(scaling._steps(tmp_path, []))
