"""The conditions that a model must meet before it is pushed.

`rules` turns the settings into rules, `judge` applies them to the computed numbers. A missing metric, slice or
comparison fails, and so does a number that is not finite.
"""

import math
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

from schemas.metrics import METRICS
from schemas.settings import GateSettings
from schemas.settings.gate import Bound
from schemas.verdict import MetricRecord

OVERALL = ""
"""Name of the slice that holds every evaluated user."""
KNOWN, NEW = "user=known", "user=new"
_USERS, _LIFT, _RATING_LIFT = "evaluated_users", "lift_over_popularity", "lift_over_bias"
# The smallest bound that refuses 0 itself.
_ABOVE_ZERO = sys.float_info.min


class Rule(NamedTuple):
    """One condition: bounds for a metric's value, its change since the last blessed model, or an interval's end."""

    metric: str
    kind: Literal["value", "change", "lower", "upper"]
    at_least: float = -math.inf
    at_most: float = math.inf
    slice: str = OVERALL

    def describe(self) -> str:
        """Returns the condition in words, e.g. `>= 0.4` or `at most 0.01 worse than the last blessed model`."""
        if self.kind == "change":
            allowed = -self.at_least if METRICS[self.metric].higher_is_better else self.at_most
            return f"at most {allowed:g} worse than the last blessed model, or within chance of it"
        if self.kind == "lower" and self.at_least == _ABOVE_ZERO:
            return "> 0 beyond chance"
        if self.kind == "upper" and self.at_most == math.inf:
            return f">= {self.at_least:g} within chance"
        end = {"lower": " (lower end)", "upper": " (upper end)"}
        bounds = [f">= {self.at_least:g}"] * (self.at_least > -math.inf)
        return " and ".join(bounds + [f"<= {self.at_most:g}"] * (self.at_most < math.inf)) + end.get(self.kind, "")


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


class Rules(NamedTuple):
    """The rules for a model, and what is not judged and why."""

    rules: list[Rule]
    notes: list[str]


def rules(
    settings: GateSettings,
    records: Sequence[MetricRecord],
    has_baseline_model: bool,
    is_rated: bool = True,
    is_baseline_rated: bool = True,
    is_by_biases: bool = False,
) -> Rules:
    """Returns the fixed rules, then those of the settings.

    Args:
      settings: thresholds, slice floors, guardrails and tolerances.
      records: the computed metrics, whose numbers of users decide which groups are judged.
      has_baseline_model: whether there is a last blessed model; only then do tolerances apply.
      is_rated: whether the model predicts ratings.
      is_baseline_rated: whether the last blessed model does; if either does not, ratings are not compared.
      is_by_biases: whether user and item biases predict the ratings, which are then not compared with biases.
    """
    lifts, notes = _lifts(settings, {record.slice: record.value for record in records if record.metric == _USERS})
    result = [Rule(_USERS, "value", settings.min_users), *lifts]
    if is_rated and not is_by_biases:
        # Nearly equal models differ by chance: a model is refused only if it is worse beyond that.
        result.append(Rule(_RATING_LIFT, "upper", 0.0))
        if any(record.metric == _RATING_LIFT and not record.slice and not record.lower > 0 for record in records):
            notes.append(
                "the predicted ratings are not better than user and item biases beyond chance: they add nothing"
            )
    result += _guardrails(settings)
    for metric, bound in settings.thresholds.items():
        result += _bounded(metric, bound, OVERALL)
    for floor in settings.slices:
        result += _bounded(floor.metric, floor, f"{floor.feature}={floor.value}")
    if has_baseline_model:
        for metric, tolerance in settings.tolerances.items():
            if METRICS[metric].of_ratings and not (is_rated and is_baseline_rated):
                continue
            interval = (-tolerance, math.inf) if METRICS[metric].higher_is_better else (-math.inf, tolerance)
            result.append(Rule(metric, "change", *interval))
    return Rules(result, notes)


def _lifts(settings: GateSettings, users: dict[str, float]) -> Rules:
    """Returns the rules for the lift over popularity, of the groups with enough users; else of all users together."""
    # With few users or a random model, the difference alone is above 0 half the time.
    of_group = {KNOWN: Rule(_LIFT, "lower", _ABOVE_ZERO, slice=KNOWN), NEW: Rule(_LIFT, "upper", 0.0, slice=NEW)}
    words = {KNOWN: "users with training events", NEW: "users without a training event"}
    found, notes = [], []
    for group, rule in of_group.items():
        number = int(users.get(group, 0))
        if number >= settings.min_users:
            found.append(rule)
        elif number:
            notes.append(
                f"{words[group]}: {number} were evaluated, too few to judge them separately "
                f"(gate.min_users = {settings.min_users})"
            )
        else:
            notes.append(f"{words[group]}: none was evaluated, so the rule for them does not apply")
    return Rules(found or [Rule(_LIFT, "lower", _ABOVE_ZERO)], notes)


def _guardrails(settings: GateSettings) -> list[Rule]:
    """Returns the rules that can fail."""
    result = [Rule("coverage_at_10", "value", settings.min_coverage)] if settings.min_coverage > 0 else []
    for metric, most in (
        ("top_item_share", settings.max_top_item_share),
        ("fallback_share", settings.max_fallback_share),
    ):
        if most < 1:
            result.append(Rule(metric, "value", at_most=most))
    return result


def _bounded(metric: str, bound: Bound, where: str) -> list[Rule]:
    found = []
    if bound.at_least is not None or bound.at_most is not None:
        least, most = (-math.inf if bound.at_least is None else bound.at_least), bound.at_most
        found.append(Rule(metric, "value", least, math.inf if most is None else most, where))
    if bound.lower_at_least is not None:
        found.append(Rule(metric, "lower", bound.lower_at_least, slice=where))
    if bound.upper_at_most is not None:
        found.append(Rule(metric, "upper", at_most=bound.upper_at_most, slice=where))
    return found


def judge(conditions: list[Rule], records: Sequence[MetricRecord]) -> list[Check]:
    """Applies every rule; a rule whose number is missing or not finite fails."""
    by_name = {(record.metric, record.slice): record for record in records}
    checks = []
    for rule in conditions:
        record = by_name.get((rule.metric, rule.slice))
        value = None if record is None else getattr(record, rule.kind)
        passed = value is not None and math.isfinite(value) and rule.at_least <= value <= rule.at_most
        if rule.kind == "change" and record is not None and value is not None and math.isfinite(value):
            passed = passed or _contains_no_decline(record)
        checks.append(Check(rule, value, passed))
    return checks


def _contains_no_decline(record: MetricRecord) -> bool:
    """Whether the interval of the change reaches 0 or an improvement."""
    if METRICS[record.metric].higher_is_better:
        return record.change_upper is not None and record.change_upper >= 0
    return record.change_lower is not None and record.change_lower <= 0
