import io
from pathlib import Path
from typing import Any

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


def _counted(ratings: dict[str, float], **more: int) -> dict[str, Any]:
    splits = {"train": {"rows": 8, "users": 2, "items": 3}, "eval": {"rows": 2, "users": 1, "items": 2}}
    files = {"ratings.csv": {"rows": 10, "rejected": 0}}
    repeats = {"merged": 0, "replaced": 0, "left_out": 0}
    return {"files": files, "splits": splits, "ratings": {"rows": 10} | ratings, "repeats": repeats} | more


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        (_counted({"rated": 10, "timed": 10, "min": 1, "max": 5}), []),
        (_counted({"rated": 0, "timed": 0}), ["no ratings: implicit feedback", "no times: events are in the order"]),
        (_counted({"rated": 10, "timed": 10, "min": 4, "max": 4}), ["every rating is 4, which counts as no rating"]),
        (
            _counted({"rated": 7, "timed": 9, "min": 1, "max": 4}),
            ["without a rating: 3 of 10 events", "without a time: 1 of 10 events"],
        ),
        (
            _counted(
                {"rated": 10, "timed": 10, "min": 1, "max": 5},
                repeats={"merged": 1, "replaced": 1_200, "left_out": 3},
                items_repeated=2,
                rated_items_not_described=4,
            ),
            [
                "one event with another: 1 rows",
                "a later event: 1,200 events",
                "left out of eval: 3",
                "first row counts: 2",
                "ids: 4 items",
            ],
        ),
    ],
)
def test_it_says_what_a_log_lacks_and_what_became_of_repeats(counted, said):
    shown = io.StringIO()
    report._show_data(counted, Path("examples"), Console(file=shown, width=200))
    lines = [line for line in shown.getvalue().splitlines() if ":" in line]
    assert len(lines) == len(said) and all(words in line for words, line in zip(said, lines, strict=True))


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
