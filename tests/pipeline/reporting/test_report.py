import io
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.node import Node
from pipeline.reporting import report
from schemas.verdict import MetricRecord, Verdict


class _Pushed:
    def __init__(self, version: Path, **properties: int):
        self._version, self._properties = version, properties

    def get_string_custom_property(self, name: str) -> str:
        return str(self._version)

    def get_int_custom_property(self, name: str) -> int:
        return self._properties.get(name, 0)


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
    node = Node({"pushed_model": [_Pushed(tmp_path / "17", **properties)]}, reused)
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


@pytest.mark.parametrize("is_rated", [True, False])
def test_a_table_has_columns_for_what_was_measured(is_rated):
    def record(metric: str, slice_name: str = "") -> MetricRecord:
        return MetricRecord(metric=metric, slice=slice_name, value=0.5, lower=0.4, upper=0.6)

    measured = ["ndcg_at_10", "popularity_ndcg_at_10", *(["rmse", "bias_rmse"] if is_rated else [])]
    verdict = Verdict(
        blessed=True,
        reasons=(),
        anomalies=(),
        compared_with_baseline=False,
        metrics=tuple(record(metric, name) for metric in measured for name in ("", "user_activity=0")),
        checks=(),
    )
    overall, slices = report._metrics_table(verdict), report._slices_table(verdict)
    columns = [column.header for column in overall.columns]
    assert columns == ["metric", "value", "95 % interval", "popularity", *["bias"] * is_rated, "must be", ""]
    assert [column.header for column in slices.columns] == ["slice", "NDCG@10", *["RMSE"] * is_rated, "must be", ""]
    assert len(overall.rows) == 1 + is_rated


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
