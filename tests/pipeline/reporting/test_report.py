import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.node import Artifact, Node
from pipeline.reporting import report
from schemas.verdict import CheckRecord, MetricRecord, Verdict


@pytest.mark.parametrize(
    ("properties", "reused", "said"),
    [
        ({"is_new": 1}, False, "Blessed, pushed as the newest version"),
        ({"is_new": 1}, True, "Blessed, unchanged: the newest version is still"),
        ({}, False, "Blessed, unchanged: the newest version is still"),
        ({"is_withdrawn": 1}, False, "Blessed, but not pushed: a rollback has withdrawn this model"),
        ({"is_withdrawn": 1}, True, "Blessed, but not pushed: a rollback has withdrawn this model"),
    ],
)
def test_it_says_what_is_served_now(tmp_path, properties, reused, said):
    shown = io.StringIO()
    node = Node({"pushed_model": [Artifact("", {"pushed_destination": str(tmp_path / "17"), **properties})]}, reused)
    assert report._show_pushed(node, Console(file=shown, width=200)) == tmp_path / "17"
    assert shown.getvalue().startswith(said) and str(tmp_path / "17") in shown.getvalue()


@pytest.mark.parametrize("is_inspected", [True, False])
def test_what_is_suspicious_is_shown_unless_it_was_before_the_run(is_inspected):
    summed = {
        "files": {"a.csv": {"rows": 10, "rejected": 0, "left_out": 4}},
        "splits": {"train": {"rows": 8, "users": 2, "items": 3}},
        "ratings": {"rows": 6, "rated": 6, "timed": 6, "min": 1, "max": 5},
        "repeats": {"merged": 0, "replaced": 0, "left_out": 0},
        "notes": [["event-without-weight", "a.csv", 3, "[b]view", 4]],
    }
    shown = io.StringIO()
    report._show_data(summed, Path("examples"), is_inspected, Console(file=shown, width=200))
    assert "left out" in shown.getvalue()
    assert (
        "event-without-weight: a.csv, line 3: '[b]view' (4 in all) an event type" in shown.getvalue()
    ) != is_inspected


def _verdict(*measured: str) -> Verdict:
    slices = ("", "user_activity=0", "item=new", "user=new", "user=known", "user_activity=10+", "user_activity=1-9")
    records = [
        MetricRecord(metric=metric, slice=name, value=0.5, lower=0.4, upper=0.6)
        for metric in measured
        for name in slices
    ]
    check = CheckRecord(metric=measured[0], slice="user=known", kind="value", rule=">= 0.7", passed=False)
    return Verdict(
        blessed=True,
        reasons=(),
        anomalies=(),
        compared_with_baseline=False,
        metrics=tuple(records),
        checks=(check,),
    )


LISTS = ("ndcg_at_10", "popularity_ndcg_at_10", "lift_over_popularity", "coverage_at_10", "event_mrr")


@pytest.mark.parametrize("ratings", [(), ("rmse", "bias_rmse")])
def test_tables_have_columns_for_what_was_measured(ratings):
    tables = report._metrics_tables(_verdict(*LISTS, *ratings))
    columns = [[column.header for column in table.columns] for table in tables]
    assert columns[0] == ["metric", "value", "95 % interval", "popularity"]
    assert columns[-2] == ["slice", "NDCG@10", "above popularity", *["RMSE"] * bool(ratings), "must be", ""]
    assert tables[-1].title.endswith("measures per event") and len(tables) == 4 + bool(ratings)
    if ratings:
        assert columns[1] == ["metric", "value", "95 % interval", "biases"]


def test_slices_begin_with_known_and_new_users_and_lifts_have_intervals():
    shown = io.StringIO()
    [*_, slices, _] = report._metrics_tables(_verdict(*LISTS))
    Console(file=shown, width=200).print(slices)
    lines = [line.split() for line in shown.getvalue().splitlines() if "=" in line]
    names = ["user=known", "user=new", "item=new", "user_activity=0", "user_activity=1-9", "user_activity=10+"]
    assert [line[0] for line in lines] == names
    assert lines[0][1:] == ["0.5000", "0.5000", "±", "0.1000", ">=", "0.7", "NO"]


def test_a_path_below_the_working_directory_is_shown_from_there_also_through_a_link(tmp_path, monkeypatch):
    project, elsewhere = tmp_path / "my [x]", tmp_path / "elsewhere"
    for folder in (project / "artifacts", elsewhere):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(project / "artifacts")
    (project / "serving").symlink_to(elsewhere)
    monkeypatch.chdir(project)
    for path in ("artifacts/1", project / "artifacts" / "1", tmp_path / "link" / "1"):
        assert report._shown(Path(path)) == "artifacts/1"
    assert report._shown(project / "serving" / "1") == "serving/1"
    assert report._shown(elsewhere) == str(elsewhere)
