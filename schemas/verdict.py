"""The record of one evaluation: what was measured, what was required, and whether the model may be pushed."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from schemas import layout

# JSON has no NaN: it is written as null.
_Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class MetricRecord(_Record):
    """One metric on one slice, with its 95 % confidence interval (NaN where there is none)."""

    metric: str
    slice: str
    value: _Number
    lower: _Number
    upper: _Number
    change: float | None = None
    """Paired difference from the last blessed model on the same users, if there is one."""
    change_lower: float | None = None
    change_upper: float | None = None
    """Ends of its 95 % interval."""


class CheckRecord(_Record):
    """One rule of the gate and its result."""

    metric: str
    slice: str
    kind: str
    rule: str
    passed: bool


class Verdict(_Record):
    """The gate's decision."""

    blessed: bool
    reasons: tuple[str, ...]
    """Why the model was refused; empty if it was blessed."""
    anomalies: tuple[str, ...]
    compared_with_baseline: bool
    not_compared: str = ""
    """Why the metrics of ratings were not compared with the last blessed model; empty if they were, or it has none."""
    notes: tuple[str, ...] = ()
    """What was judged, and what could not be."""
    metrics: tuple[MetricRecord, ...]
    checks: tuple[CheckRecord, ...]

    def value(self, metric: str, slice_name: str = "") -> MetricRecord | None:
        """The record of a metric on a slice, or None if it was not computed."""
        found = (record for record in self.metrics if (record.metric, record.slice) == (metric, slice_name))
        return next(found, None)


def read(evaluation_folder: str) -> Verdict:
    """The verdict in an evaluation artifact's folder."""
    return Verdict.model_validate_json((Path(evaluation_folder) / layout.VERDICT).read_text(encoding="utf-8"))
