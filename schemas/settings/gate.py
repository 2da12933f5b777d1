"""The section `[gate]`."""

from typing import Any, Literal

from pydantic import field_validator, model_validator

from schemas.metrics import METRICS
from schemas.settings.section import AtLeastTwo, Fraction, NonNegative, Section


class Bound(Section):
    """Limits of a metric's value and of the ends of its 95 % interval; at least one is given."""

    at_least: float | None = None
    """Minimum of the value."""
    at_most: float | None = None
    """Maximum of the value."""
    lower_at_least: float | None = None
    """Minimum of the lower end of the 95 % interval."""
    upper_at_most: float | None = None
    """Maximum of the upper end of the 95 % interval."""

    @model_validator(mode="after")
    def _bounded(self) -> "Bound":
        if all(end is None for end in (self.at_least, self.at_most, self.lower_at_least, self.upper_at_most)):
            raise ValueError("give `at_least`, `at_most`, `lower_at_least`, `upper_at_most` or several of them")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"`at_least` ({self.at_least:g}) is above `at_most` ({self.at_most:g}): nothing passes")
        return self


class SliceFloor(Bound):
    """A bound on one metric within one slice."""

    feature: Literal["user", "item", "user_activity", "item_popularity"]
    """Feature that defines the slices."""
    value: str
    """Name of the slice: `known` or `new` for `user`, `new` for `item`, otherwise such as `1-9`; the bounds in
    `[features]` define these slices."""
    metric: str
    """Name of the metric."""


DEFAULT_TOLERANCES = {"ndcg_at_10": 0.01, "rmse": 0.01}


class GateSettings(Section):
    """Conditions that a model must meet to be pushed.

    Some conditions always apply. For users with training events, the NDCG@10 of the served lists is above that of
    popularity beyond chance: the lower end of the 95 % interval of the paired difference is above 0. For new users it
    is not worse beyond chance: the upper end is not below 0. Popularity is the better of that of all events and that
    of recent ones. Predicted ratings are not worse than user and item biases beyond chance. Of a model of events
    without ratings, only lists are judged; a bound on a metric of ratings refuses it.
    """

    min_users: AtLeastTwo = 30
    """Minimum number of evaluated users. A group, known or new users, with fewer is not judged separately. With fewer
    than about 30, the mean of users is not yet normally distributed, and an interval covers less than 95 %."""
    max_users: AtLeastTwo = 20_000
    """Maximum number of users who are evaluated; if there are more, a sample of this size is drawn with a fixed seed.
    Intervals narrow with the square root of the number of users: with 20,000, that of NDCG@10 is about ± 0.004."""
    min_coverage: Fraction = 0.0
    """Minimum share of the catalogue that is among the first 10 of any evaluated user."""
    max_top_item_share: Fraction = 1.0
    """Maximum share of the evaluated users who are shown the same item among their first 10."""
    max_fallback_share: Fraction = 1.0
    """Maximum share of the evaluated users whose list is that of unknown users, by popularity."""
    thresholds: dict[str, Bound] = {}
    """Bounds for metrics over all evaluated users, by the name of the metric, such as `rmse` or `ndcg_at_10`; an
    unknown name is refused with the list of all metrics."""
    slices: tuple[SliceFloor, ...] = ()
    """Bounds for metrics over slices of the evaluation."""
    tolerances: dict[str, NonNegative] = DEFAULT_TOLERANCES
    """For each metric, how much worse a model may be than the last blessed model on the same users, in the unit of the
    metric. A greater decline refuses the model if it is beyond chance, that is, if the 95 % interval of the paired
    difference does not contain 0. A metric given here replaces its default; the other defaults remain. Metrics of
    ratings are compared only if both models predict ratings."""

    @model_validator(mode="after")
    def _enough_users(self) -> "GateSettings":
        if self.max_users < self.min_users:
            raise ValueError(f"`max_users` ({self.max_users}) is below `min_users` ({self.min_users}): none pass")
        return self

    @field_validator("tolerances")
    @classmethod
    def _with_the_defaults(cls, value: dict[str, float]) -> dict[str, float]:
        return DEFAULT_TOLERANCES | value

    @field_validator("thresholds", "tolerances")
    @classmethod
    def _known_metrics(cls, value: dict[str, Any]) -> dict[str, Any]:
        for metric in value:
            _check_metric(metric)
        return value

    @field_validator("slices")
    @classmethod
    def _known_slice_metrics(cls, value: tuple[SliceFloor, ...]) -> tuple[SliceFloor, ...]:
        for floor in value:
            _check_metric(floor.metric)
        return value


def _check_metric(metric: str) -> None:
    if metric not in METRICS and f"event_{metric}" in METRICS:
        raise ValueError(f"it is event_{metric} now; recall_at_10 and recall_at_100 are measured per user")
    if metric not in METRICS:
        raise ValueError(f"no metric is called {metric!r}; allowed: {', '.join(METRICS)}")
