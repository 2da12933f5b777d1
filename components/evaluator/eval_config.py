"""The EvalConfig: models, metric class, slices, intervals, and the gate's rules as TFMA thresholds."""

import math

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator import gate, tfma_metrics
from schemas import signatures as names
from schemas.metrics import METRICS
from schemas.settings import GateSettings

SLICE_FEATURES = (names.USER_ACTIVITY, names.ITEM_POPULARITY)
CANDIDATE = "candidate"
BASELINE = "baseline"


def build(settings: GateSettings, is_rated: bool = True, is_baseline_rated: bool = True) -> config_pb2.EvalConfig:
    """Builds the EvalConfig for a candidate and, if there is one, the last blessed model.

    Without a baseline model, TFX drops the second model and the change thresholds.

    Args:
      settings: the gate.
      is_rated: whether the candidate predicts ratings.
      is_baseline_rated: whether the last blessed model does.
    """
    # Without a label: the metrics read the rating as a feature, since TFMA fails on a batch without any label.
    models = [
        config_pb2.ModelSpec(name=name, is_baseline=name == BASELINE, signature_name=names.EVALUATE)
        for name in (CANDIDATE, BASELINE)
    ]
    metrics = config_pb2.MetricsSpec(
        metrics=[
            config_pb2.MetricConfig(class_name=tfma_metrics.RecommenderMetrics.__name__, module=tfma_metrics.__name__)
        ]
    )
    for rule in gate.rules(settings, True, is_rated, is_baseline_rated):
        if rule.kind in ("lower", "upper"):  # TFMA has no threshold for an interval
            continue
        # A threshold without a slice would be applied to every slice: name the overall one.
        metrics.per_slice_thresholds[rule.metric].thresholds.append(
            config_pb2.PerSliceMetricThreshold(slicing_specs=[_slicing(rule)], threshold=_threshold(rule))
        )
    options = config_pb2.Options(
        compute_confidence_intervals=wrappers_pb2.BoolValue(value=True),
        confidence_intervals=config_pb2.ConfidenceIntervalOptions(
            method=config_pb2.ConfidenceIntervalOptions.JACKKNIFE
        ),
    )
    slices = [config_pb2.SlicingSpec(), *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in SLICE_FEATURES)]
    return config_pb2.EvalConfig(model_specs=models, metrics_specs=[metrics], slicing_specs=slices, options=options)


def _slicing(rule: gate.Rule) -> config_pb2.SlicingSpec:
    return config_pb2.SlicingSpec(feature_values={rule.slice_feature: rule.slice_value} if rule.slice else {})


def _threshold(rule: gate.Rule) -> config_pb2.MetricThreshold:
    if rule.kind == "change":
        better = METRICS[rule.metric].higher_is_better
        direction = (
            config_pb2.MetricDirection.HIGHER_IS_BETTER if better else config_pb2.MetricDirection.LOWER_IS_BETTER
        )
        bound = wrappers_pb2.DoubleValue(value=rule.at_least if better else rule.at_most)
        return config_pb2.MetricThreshold(
            change_threshold=config_pb2.GenericChangeThreshold(direction=direction, absolute=bound)
        )
    value = config_pb2.GenericValueThreshold()
    if rule.at_least > -math.inf:
        value.lower_bound.value = rule.at_least
    if rule.at_most < math.inf:
        value.upper_bound.value = rule.at_most
    return config_pb2.MetricThreshold(value_threshold=value)
