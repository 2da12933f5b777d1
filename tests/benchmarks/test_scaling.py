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
        [("ExampleGen", Cost(10.0, 15.0, 1.0), False), ("Transform", Cost(20.0, 25.0, 2.0), False)],
        [
            ("ExampleGen", Cost(0.1, 0.1, 0.1), True),
            ("Transform", Cost(0.1, 0.1, 0.1), True),
            ("Trainer", Cost(0.1, 0.1, 0.1), True),  # finished while nobody looked
            ("Evaluator", Cost(30.0, 35.0, 3.0), False),
        ],
    ]
    monkeypatch.setattr(scaling, "_steps", lambda folder, options: iter(runs.pop(0)))
    scaling._measure(tmp_path, 300, [])
    costs = scaling._measure(tmp_path, 300, [])
    assert costs == {"ExampleGen": (10.0, 15.0, 1.0), "Transform": (20.0, 25.0, 2.0), "Evaluator": (30.0, 35.0, 3.0)}
    assert json.loads((tmp_path / "costs.json").read_text()) == {step: list(cost) for step, cost in costs.items()}


def test_a_run_that_fails_is_no_measurement(tmp_path: Path):
    (tmp_path / "scaling.toml").write_text('name = "scaling"\n[data]\nfolder = "nowhere"\n')
    with pytest.raises(SystemExit, match="failed"):
        list(scaling._steps(tmp_path, []))
