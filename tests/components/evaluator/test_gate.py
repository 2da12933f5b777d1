import math

import pytest

from components.evaluator import gate
from components.evaluator.gate import Value
from schemas.settings import GateSettings

GOOD = {"lift_over_popularity": 0.1, "lift_over_bias": 0.02, "rmse": 0.9, "ndcg_at_10": 0.3}
SETTINGS = GateSettings.model_validate(
    {
        "thresholds": {"rmse": {"at_most": 0.95}},
        "slices": [{"feature": "user_activity", "value": "1-9", "metric": "rmse", "at_most": 1.2}],
    }
)


def _values(changes: dict[str, float] | None = None, slice_rmse: float | None = 1.1, **overall: float) -> list[Value]:
    values = [Value(metric, "value", "", value, value / 2, 1) for metric, value in (GOOD | overall).items()]
    values += [Value(metric, "change", "", value, 0, 1) for metric, value in (changes or {}).items()]
    if slice_rmse is not None:
        values.append(Value("rmse", "value", "user_activity=1-9", slice_rmse, 0, 1))
    return values


def _reasons(values: list[Value], has_baseline_model: bool = False) -> list[str]:
    checks = gate.judge(gate.rules(SETTINGS, has_baseline_model), values)
    return [check.reason(is_rated=True) for check in checks if not check.passed]


def test_a_good_model_passes():
    assert _reasons(_values()) == []
    assert _reasons(_values(changes={"rmse": 0.01, "ndcg_at_10": -0.01}), has_baseline_model=True) == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (_values(rmse=0.96), "RMSE is 0.96, must be <= 0.95"),
        (_values(rmse=math.nan), "RMSE is nan, must be <= 0.95"),
        (_values(slice_rmse=1.3), "RMSE on user_activity=1-9 is 1.3, must be <= 1.2"),
        (_values(slice_rmse=None), "RMSE on user_activity=1-9 must be <= 1.2, but it was not computed"),
    ],
)
def test_it_refuses_and_says_why(values, reason):
    assert _reasons(values) == [reason]


@pytest.mark.parametrize("lift", [0.0, -0.1])
def test_a_model_that_does_not_beat_popularity_is_refused(lift):
    assert f"NDCG@10 above popularity's is {lift:g}, must be > 0" in _reasons(_values(lift_over_popularity=lift))


@pytest.mark.parametrize("lower", [-0.01, 0.0, math.nan])
def test_nor_does_one_that_may_beat_it_by_chance_pass(lower):
    values = [value._replace(lower=lower) if value.metric == "lift_over_popularity" else value for value in _values()]
    [reason] = _reasons(values)
    assert reason.startswith(f"NDCG@10 above popularity's has an interval from {lower:g}, must be > 0 beyond chance")


@pytest.mark.parametrize(("upper", "is_refused"), [(0.01, False), (0.0, False), (-1e-9, True), (math.nan, True)])
def test_ratings_are_refused_if_they_are_worse_than_biases_beyond_chance(upper, is_refused):
    values = [
        value._replace(value=-0.02, upper=upper) if value.metric == "lift_over_bias" else value for value in _values()
    ]
    reasons = _reasons(values)
    assert len(reasons) == is_refused
    assert all(reason.startswith(f"RMSE below user + item bias's has an interval to {upper:g}") for reason in reasons)


def test_an_absent_metric_refuses():
    values = [value for value in _values() if value.metric != "lift_over_popularity"]
    assert "NDCG@10 above popularity's must be > 0, but it was not computed" in _reasons(values)


def test_an_infinite_metric_refuses_even_within_an_open_bound():
    assert _reasons(_values(lift_over_popularity=math.inf))[0] == "NDCG@10 above popularity's is inf, must be > 0"


@pytest.mark.parametrize("changes", [{"rmse": 0.011, "ndcg_at_10": 0}, {"rmse": 0, "ndcg_at_10": -0.011}])
def test_a_model_worse_than_the_last_blessed_one_is_refused(changes):
    [reason] = _reasons(_values(changes), has_baseline_model=True)
    assert reason.endswith("must be at most 0.01 worse than the last blessed model")


def test_a_comparison_that_was_not_computed_refuses():
    assert len(_reasons(_values(), has_baseline_model=True)) == 2
