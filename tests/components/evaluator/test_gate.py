import math

import pytest

from components.evaluator import gate
from schemas.settings import GateSettings
from schemas.verdict import MetricRecord

SETTINGS = GateSettings.model_validate(
    {
        "thresholds": {"rmse": {"at_most": 0.95}},
        "slices": [{"feature": "user_activity", "value": "1-9", "metric": "rmse", "at_most": 1.2}],
    }
)
LIFT = "NDCG@10 above popularity"
DEFAULTS = GateSettings()


def _record(metric: str, value: float, where: str = "", width: float = 0.01, **change: float) -> MetricRecord:
    ends = {"lower": value - width, "upper": value + width}
    return MetricRecord(metric=metric, slice=where, value=value, **(ends | change))


def _records(known: int = 100, new: int = 100, slice_rmse: float | None = 1.1, **changed: float) -> list[MetricRecord]:
    """Of a good model; `changed` are other overall values by metric."""
    overall = {"evaluated_users": known + new, "rmse": 0.9, "ndcg_at_10": 0.3, "lift_over_bias": 0.02} | changed
    records = [_record(metric, value) for metric, value in overall.items()]
    for group, number in (("known", known), ("new", new)):
        if number:
            records.append(_record("evaluated_users", number, f"user={group}"))
            records.append(_record("lift_over_popularity", 0.1, f"user={group}"))
    if slice_rmse is not None:
        records.append(_record("rmse", slice_rmse, "user_activity=1-9"))
    return [*records, _record("lift_over_popularity", 0.1)]


def _with(records: list[MetricRecord], *others: MetricRecord) -> list[MetricRecord]:
    names = {(other.metric, other.slice) for other in others}
    return [*(record for record in records if (record.metric, record.slice) not in names), *others]


def _reasons(records: list[MetricRecord], settings: GateSettings = SETTINGS, compared: bool = False) -> list[str]:
    conditions, _ = gate.rules(settings, records, compared)
    return [check.reason(is_rated=True) for check in gate.judge(conditions, records) if not check.passed]


def _notes(records: list[MetricRecord]) -> list[str]:
    return gate.rules(DEFAULTS, records, False).notes


def test_a_good_model_passes():
    assert _reasons(_records()) == [] == _notes(_records())


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (_records(rmse=0.96), "RMSE is 0.96, must be <= 0.95"),
        (_records(rmse=math.nan), "RMSE is nan, must be <= 0.95"),
        (_records(slice_rmse=1.3), "RMSE on user_activity=1-9 is 1.3, must be <= 1.2"),
        (_records(slice_rmse=None), "RMSE on user_activity=1-9 must be <= 1.2, but it was not computed"),
    ],
)
def test_it_refuses_and_says_why(records, reason):
    assert _reasons(records) == [reason]


@pytest.mark.parametrize("lower", [-0.01, 0.0, math.nan])
def test_lists_for_known_users_must_be_better_than_popularity_beyond_chance(lower):
    [reason] = _reasons(_with(_records(), _record("lift_over_popularity", 0.1, "user=known", lower=lower)))
    assert reason.startswith(f"{LIFT} on user=known has an interval from {lower:g}, must be > 0 beyond chance")


@pytest.mark.parametrize(("upper", "is_refused"), [(0.01, False), (0.0, False), (-1e-9, True), (math.nan, True)])
def test_those_for_new_users_must_not_be_worse_beyond_chance(upper, is_refused):
    reasons = _reasons(_with(_records(), _record("lift_over_popularity", -0.1, "user=new", upper=upper)))
    assert len(reasons) == is_refused
    assert all(
        reason.startswith(f"{LIFT} on user=new has an interval to {upper:g}, must be >= 0") for reason in reasons
    )


@pytest.mark.parametrize(("upper", "is_refused"), [(0.01, False), (0.0, False), (-1e-9, True), (math.nan, True)])
def test_ratings_are_refused_if_they_are_worse_than_biases_beyond_chance(upper, is_refused):
    records = _with(_records(), _record("lift_over_bias", -0.02, upper=upper))
    reasons = _reasons(records)
    assert len(reasons) == is_refused
    assert all(reason.startswith(f"RMSE below biases has an interval to {upper:g}") for reason in reasons)
    assert any("they add nothing" in note for note in _notes(records))


def test_biases_are_not_compared_with_biases():
    records = _with(_records(), _record("lift_over_bias", -1e-9, upper=-1e-9))
    found = gate.rules(DEFAULTS, records, False, is_by_biases=True)
    assert not [check for check in gate.judge(*found[:1], records) if not check.passed] and not found.notes
    assert _reasons(records, DEFAULTS)


def test_an_absent_lift_refuses():
    records = [record for record in _records() if record.metric != "lift_over_popularity"]
    assert len(_reasons(records)) == 2 and all("but it was not computed" in reason for reason in _reasons(records))


def test_three_users_never_pass():
    [reason] = _reasons(_records(known=3, new=0), DEFAULTS)
    assert reason == "evaluated users is 3, must be >= 30"


@pytest.mark.parametrize(("known", "new", "slices"), [(100, 0, ["user=known"]), (0, 100, ["user=new"])])
def test_a_group_without_users_is_not_judged_and_that_is_said(known, new, slices):
    records = _records(known, new)
    conditions, [note] = gate.rules(DEFAULTS, records, False)
    assert [rule.slice for rule in conditions if rule.metric == "lift_over_popularity"] == slices
    assert "none was evaluated" in note and ("without" in note) == (new == 0)
    assert _reasons(records, DEFAULTS) == []


def test_a_group_of_few_users_is_judged_with_the_others():
    records = _with(_records(known=29, new=100), _record("lift_over_popularity", -0.1, "user=known"))
    assert _reasons(records, DEFAULTS) == []
    assert _notes(records) == [
        "users with training events: 29 were evaluated, too few to judge them separately (gate.min_users = 30)"
    ]
    few = _with(_records(known=29, new=29), _record("lift_over_popularity", 0.01, width=0.01))
    [reason] = _reasons(few, DEFAULTS)
    assert reason.startswith(f"{LIFT} has an interval from 0, must be > 0 beyond chance")


def test_bounds_on_the_ends_of_an_interval():
    settings = GateSettings.model_validate(
        {"thresholds": {"ndcg_at_10": {"lower_at_least": 0.295}, "rmse": {"upper_at_most": 0.905}}}
    )
    assert _reasons(_records(), settings) == [
        "NDCG@10 has an interval from 0.29, must be >= 0.295 (lower end)",
        "RMSE has an interval to 0.91, must be <= 0.905 (upper end)",
    ]


def test_guardrails_refuse_only_where_they_are_set():
    records = [*_records(), _record("coverage_at_10", 0.1), _record("top_item_share", 0.8)]
    assert _reasons(records, DEFAULTS) == []
    settings = GateSettings(min_coverage=0.2, max_top_item_share=0.5, max_fallback_share=0.5)
    assert _reasons(records, settings) == [
        "share of the catalogue in the top 10 is 0.1, must be >= 0.2",
        "lists with the most shown item is 0.8, must be <= 0.5",
        "lists that fall back to popularity must be <= 0.5, but it was not computed",
    ]


def _changed(metric: str, change: float, lower: float, upper: float) -> MetricRecord:
    return _record(metric, 0.3, change=change, change_lower=lower, change_upper=upper)


SAME = _changed("ndcg_at_10", 0.0, -0.01, 0.01), _changed("rmse", 0.0, -0.01, 0.01)


@pytest.mark.parametrize(
    ("record", "is_refused"),
    [
        (_changed("ndcg_at_10", -0.01, -0.02, -0.001), False),
        (_changed("ndcg_at_10", -0.011, -0.02, -0.001), True),
        (_changed("rmse", 0.011, 0.001, 0.02), True),
        # Within chance: the interval of the difference contains 0.
        (_changed("ndcg_at_10", -0.011, -0.03, 0.0), False),
        (_changed("rmse", 0.011, -0.001, 0.03), False),
        (_changed("rmse", 0.011, math.nan, math.nan), True),
        (_changed("rmse", math.nan, -1.0, 1.0), True),
    ],
)
def test_a_model_worse_than_the_last_blessed_one_beyond_chance_is_refused(record, is_refused):
    reasons = _reasons(_with(_records(), *SAME, record), DEFAULTS, compared=True)
    assert len(reasons) == is_refused
    assert all("must be at most 0.01 worse than the last blessed model" in reason for reason in reasons)


def test_a_comparison_that_was_not_computed_refuses():
    assert len(_reasons(_records(), DEFAULTS, compared=True)) == 2
