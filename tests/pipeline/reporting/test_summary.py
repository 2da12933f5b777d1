import math
from pathlib import Path

import pytest

from pipeline.node import Artifact, Node
from pipeline.reporting import summary
from schemas import layout
from schemas.canary import CanaryCheck, CanaryRecord
from schemas.verdict import CheckRecord, MetricRecord, Verdict


def _record(metric: str, value: float, slice_name: str = "", interval: bool = True, **more: float) -> MetricRecord:
    lower, upper = (value - 0.01, value + 0.01) if interval else (math.nan, math.nan)
    return MetricRecord(metric=metric, slice=slice_name, value=value, lower=lower, upper=upper, **more)


JUDGED = Verdict(
    blessed=False,
    reasons=("NDCG@10 is 0.2: must be >= 0.3",),
    anomalies=("rating | out of range",),
    compared_with_baseline=True,
    notes=("no new users",),
    metrics=(
        _record("evaluated_users", 1234.0, interval=False),
        _record("ndcg_at_10", 0.2, change=-0.05, change_lower=-0.07, change_upper=-0.03),
        _record("popularity_ndcg_at_10", 0.15),
        _record("ndcg_at_10", 0.9, "user_activity=1-9"),
        _record("rmse", 0.875, interval=False),
        _record("bias_rmse", 0.925),
        _record("mae", math.nan),
    ),
    checks=(
        CheckRecord(metric="ndcg_at_10", slice="", kind="threshold", rule="must be >= 0.3", passed=False),
        CheckRecord(metric="ndcg_at_10", slice="", kind="change", rule="at most 0.1 worse", passed=True),
        CheckRecord(metric="ndcg_at_10", slice="user_activity=1-9", kind="slice", rule="other", passed=True),
    ),
)
TRIED = CanaryRecord(checks=(CanaryCheck(name="reload", passed=True, message=""),))


def _pusher(folder: Path, judged: Verdict, reused: bool = False, **pushed: int | str) -> Node:
    (folder / layout.VERDICT).write_text(judged.model_dump_json())
    (folder / layout.CANARY).write_text(TRIED.model_dump_json())
    inputs = {"evaluation": [Artifact(str(folder), {})], "infra_blessing": [Artifact(str(folder), {})]}
    return Node({"pushed_model": [Artifact(str(folder), pushed)]}, reused, inputs)


def test_the_evaluation_is_a_table_with_intervals_and_rules():
    lines = summary.evaluation_markdown(JUDGED).splitlines()
    assert lines[0] == "## Refused by the gate"
    assert "- NDCG@10 is 0.2: must be >= 0.3" in lines and "- no new users" in lines
    table = [line for line in lines if line.startswith("|")]
    assert table[2:] == [
        "| evaluated users | 1,234 |  |  |  |  |  |  |  |  |",
        "| NDCG@10 | 0.2000 | 0.1900 - 0.2100 | -0.0500 ± 0.0200 | 0.1500 |  |  |  "
        "| must be >= 0.3<br>at most 0.1 worse | **NO**<br>yes |",
        "| RMSE | 0.8750 |  |  |  |  |  | 0.9250 |  |  |",
        "| MAE | nan |  |  |  |  |  |  |  |  |",
    ]


def test_metrics_are_those_on_all_examples_that_have_a_value():
    expected = {
        "evaluated_users": 1234.0,
        "ndcg_at_10": 0.2,
        "popularity_ndcg_at_10": 0.15,
        "rmse": 0.875,
        "bias_rmse": 0.925,
    }
    assert summary.metrics(JUDGED) == expected


@pytest.mark.parametrize(
    ("pushed", "reused", "outcome", "said"),
    [
        ({"pushed_destination": "/serving/17", "is_new": 1}, False, "new", "Pushed as the newest version /serving/17"),
        (
            {"pushed_destination": "/serving/17", "is_new": 1},
            True,
            "unchanged",
            "already the newest version, /serving/17",
        ),
        ({"pushed_destination": "/serving/17"}, False, "unchanged", "already the newest version, /serving/17"),
        (
            {"pushed_destination": "/serving/17", "is_withdrawn": 1},
            False,
            "withdrawn",
            "a rollback has withdrawn this model",
        ),
        ({}, False, "refused", "Nothing was pushed, the model was refused: NDCG@10 is 0.2: must be >= 0.3"),
        ({}, True, "refused", "Nothing was pushed, the model was refused: NDCG@10 is 0.2: must be >= 0.3"),
    ],
)
def test_the_pusher_says_what_it_did_and_why(tmp_path, pushed, reused, outcome, said):
    pusher = _pusher(tmp_path, JUDGED, reused, **pushed)
    assert summary.push_outcome(pusher) == outcome
    assert said in summary.push_sentence(pusher)
    page = summary.push_markdown(pusher)
    assert page.startswith(f"# {summary.push_sentence(pusher)}")
    assert "Canary: 1 of 1 checks passed." in page and "| NDCG@10 |" in page
