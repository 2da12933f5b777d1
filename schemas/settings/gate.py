"""The section `[gate]`."""

from typing import Any, Literal

from pydantic import field_validator, model_validator

from schemas.metrics import METRICS
from schemas.settings.section import NonNegative, Section


class Bound(Section):
    """A closed interval for a metric; at least one end is given."""

    at_least: float | None = None
    """Lower end."""
    at_most: float | None = None
    """Upper end."""

    @model_validator(mode="after")
    def _bounded(self) -> "Bound":
        if self.at_least is None and self.at_most is None:
            raise ValueError("give `at_least`, `at_most` or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"`at_least` ({self.at_least:g}) is above `at_most` ({self.at_most:g}): nothing passes")
        return self


class SliceFloor(Bound):
    """A bound on one metric within one slice."""

    feature: Literal["user_activity", "item_popularity"]
    """Feature that defines the slices."""
    value: str
    """Name of the slice, such as `1-9`; the bounds in `[features]` define the slices."""
    metric: str
    """Name of the metric."""


DEFAULT_TOLERANCES = {"ndcg_at_10": 0.01, "rmse": 0.01}


class GateSettings(Section):
    """Conditions that a model must meet to be pushed.

    Two conditions always apply: the retrieval model is better than popularity (the difference in NDCG@10 and the lower
    end of its 95 % interval are above 0), and the ranking model is not worse than user and item biases beyond chance
    (the upper end of the interval of the difference in RMSE is not below 0). Of a model of events without ratings, only
    ranks are judged; a bound on a metric of ratings refuses it.
    """

    thresholds: dict[str, Bound] = {}
    """Bounds for metrics over all evaluation examples, by the name of the metric, such as `rmse` or `ndcg_at_10`; an
    unknown name is refused with the list of all metrics."""
    slices: tuple[SliceFloor, ...] = ()
    """Bounds for metrics over slices of the evaluation examples."""
    tolerances: dict[str, NonNegative] = DEFAULT_TOLERANCES
    """For each metric, how much worse a model may be than the last blessed model on the same examples, in the unit of
    the metric. A metric given here replaces its default; the other defaults remain. Metrics of ratings are compared
    only if both models predict ratings."""

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
    if metric not in METRICS:
        raise ValueError(f"no metric is called {metric!r}; allowed: {', '.join(METRICS)}")
