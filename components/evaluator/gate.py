"""The conditions that a model must meet before it is pushed. Uses neither TensorFlow nor Beam.

`rules` turns the settings into rules; TFMA applies them as thresholds. `judge` applies them again to the computed
numbers, to report the reasons and to refuse what a threshold does not check: a missing metric, slice or baseline, or a
number that is not finite.
"""

import math
import sys
from typing import Literal, NamedTuple

from schemas.metrics import METRICS
from schemas.settings import GateSettings

OVERALL = ""
"""Name of the slice that holds every example."""


class Rule(NamedTuple):
    """One condition: bounds for a metric's value, its change since the last blessed model, or an interval's end."""

    metric: str
    kind: Literal["value", "change", "lower", "upper"]
    at_least: float = -math.inf
    at_most: float = math.inf
    slice_feature: str = OVERALL
    slice_value: str = ""

    @property
    def slice(self) -> str:
        """Name of the slice that it applies to."""
        return slice_name(self.slice_feature, self.slice_value)

    def describe(self) -> str:
        """Returns the condition in words, e.g. `>= 0.4` or `at most 0.01 worse than the last blessed model`."""
        if self.kind == "change":
            allowed = -self.at_least if METRICS[self.metric].higher_is_better else self.at_most
            return f"at most {allowed:g} worse than the last blessed model"
        if self.at_least == _ABOVE_ZERO:
            return "> 0 beyond chance (its 95 % interval)" if self.kind == "lower" else "> 0"
        if self.kind == "upper":
            return f">= {self.at_least:g} within chance (its 95 % interval)"
        bounds = [f">= {self.at_least:g}"] * (self.at_least > -math.inf)
        return " and ".join(bounds + [f"<= {self.at_most:g}"] * (self.at_most < math.inf))


class Value(NamedTuple):
    """A computed metric."""

    metric: str
    kind: Literal["value", "change"]
    slice: str
    value: float
    lower: float
    """Lower end of the 95 % confidence interval, NaN if there is none."""
    upper: float
    """Upper end of the same interval."""


class Check(NamedTuple):
    """A rule and its result."""

    rule: Rule
    value: float | None
    """The number that was judged, or None if it was not computed."""
    passed: bool

    def reason(self, is_rated: bool) -> str:
        """Returns one line that explains why the rule failed; `is_rated`: whether the model predicts ratings."""
        where = f" on {self.rule.slice}" if self.rule.slice else ""
        label = METRICS[self.rule.metric].label
        if METRICS[self.rule.metric].of_ratings and not is_rated:
            return (
                f"{label}{where} must be {self.rule.describe()}, but the model was trained on events without ratings "
                "and predicts none; remove this rule from [gate]"
            )
        if self.value is None:
            return f"{label}{where} must be {self.rule.describe()}, but it was not computed"
        verb = {"value": "is", "change": "changed by", "lower": "has an interval from", "upper": "has an interval to"}[
            self.rule.kind
        ]
        return f"{label}{where} {verb} {self.value:.4g}, must be {self.rule.describe()}"


# The smallest bound that refuses 0 itself: a threshold's interval is closed.
_ABOVE_ZERO = sys.float_info.min


def slice_name(feature: str, value: str) -> str:
    """Returns a slice's name in rules and reports, e.g. `user_activity=1-9`."""
    return f"{feature}={value}" if feature else OVERALL


def rules(
    settings: GateSettings, has_baseline_model: bool, is_rated: bool = True, is_baseline_rated: bool = True
) -> list[Rule]:
    """Returns the fixed rules, then those of the settings.

    Args:
      settings: thresholds, slice floors and tolerances.
      has_baseline_model: whether there is a last blessed model; only then do tolerances apply.
      is_rated: whether the model predicts ratings.
      is_baseline_rated: whether the last blessed model does; if either does not, ratings are not compared.
    """
    result = [
        Rule("lift_over_popularity", "value", _ABOVE_ZERO),
        # With few examples or a random model, the difference alone is above 0 half the time.
        Rule("lift_over_popularity", "lower", _ABOVE_ZERO),
        # Nearly equal models differ by chance: a model is refused only if it is worse beyond that.
        *([Rule("lift_over_bias", "upper", 0.0)] if is_rated else []),
    ]
    for metric, bound in settings.thresholds.items():
        result.append(Rule(metric, "value", *_interval(bound.at_least, bound.at_most)))
    for floor in settings.slices:
        interval = _interval(floor.at_least, floor.at_most)
        result.append(Rule(floor.metric, "value", *interval, floor.feature, floor.value))
    if has_baseline_model:
        for metric, tolerance in settings.tolerances.items():
            if METRICS[metric].of_ratings and not (is_rated and is_baseline_rated):
                continue
            better = METRICS[metric].higher_is_better
            interval = (-tolerance, math.inf) if better else (-math.inf, tolerance)
            result.append(Rule(metric, "change", *interval))
    return result


def judge(conditions: list[Rule], values: list[Value]) -> list[Check]:
    """Applies every rule; a rule whose number is missing or not finite fails."""
    computed: dict[tuple[str, str, str], float] = {}
    for record in values:
        computed[record.metric, record.kind, record.slice] = record.value
        if record.kind == "value":
            computed[record.metric, "lower", record.slice] = record.lower
            computed[record.metric, "upper", record.slice] = record.upper
    checks = []
    for rule in conditions:
        value = computed.get((rule.metric, rule.kind, rule.slice))
        passed = value is not None and math.isfinite(value) and rule.at_least <= value <= rule.at_most
        checks.append(Check(rule, value, passed))
    return checks


def _interval(at_least: float | None, at_most: float | None) -> tuple[float, float]:
    return (-math.inf if at_least is None else at_least), (math.inf if at_most is None else at_most)
