"""The metric class for TFMA, which computes all of `metrics` in one pass with one accumulator.

The evaluation's EvalConfig names this class; TFMA adds slices, intervals and, if there is a baseline model, the
paired differences.
"""

from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.metrics import metric_types, metric_util

from recommender.evaluation import metrics
from schemas import signatures as names
from schemas.metrics import METRICS

_OUTPUTS = (names.RANK, names.POPULARITY_RANK, names.RATING, names.BIAS_RATING)
_Sums = tuple[np.ndarray, int]


class RecommenderMetrics(tfma.metrics.Metric):
    """All metrics of `schemas.metrics.METRICS`, by their names."""

    def __init__(self, name: str = "recommender_metrics"):
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(name: str, model_name: str = "", output_name: str = "") -> metric_types.MetricComputations:
    del name  # TFMA passes the name of the class; the metrics have their own names
    keys = {
        metric: metric_types.MetricKey(metric, model_name=model_name, output_name=output_name, example_weighted=None)
        for metric in METRICS
    }
    return [
        metric_types.MetricComputation(
            keys=list(keys.values()),
            preprocessors=[metric_types.FeaturePreprocessor(feature_keys=[names.RATING])],
            combiner=_MeanContributions(keys, model_name),
        )
    ]


class _MeanContributions(beam.CombineFn):
    """Sums of `metrics.contributions` and the number of examples."""

    def __init__(self, keys: dict[str, metric_types.MetricKey], model_name: str):
        self._keys = keys
        self._model_name = model_name

    def create_accumulator(self) -> _Sums:
        return np.zeros(()), 0

    def add_input(self, accumulator: _Sums, element: metric_types.StandardMetricInputs) -> _Sums:
        # With a baseline model, TFMA nests the outputs one level deeper, by model name.
        outputs = element.prediction[self._model_name] if self._model_name else element.prediction
        numbers = [*(outputs.get(output) for output in _OUTPUTS), element.features.get(names.RATING)]
        added = metrics.contributions(*map(_number, numbers))
        return accumulator[0] + added[0], accumulator[1] + 1

    def merge_accumulators(self, accumulators: Any) -> _Sums:
        total, count = self.create_accumulator()
        for sums, examples in accumulators:
            total, count = total + sums, count + examples
        return total, count

    def extract_output(self, accumulator: _Sums) -> dict[metric_types.MetricKey, float]:
        sums, count = accumulator
        if not count:
            return {key: float("nan") for key in self._keys.values()}
        values = metrics.from_means(sums / count)
        return {key: float(values[name]) for name, key in self._keys.items()}


def _number(value: Any) -> np.ndarray:
    """Returns [1] float64: NaN for an output or label that the model or the example does not have."""
    return np.full(1, np.nan) if value is None or not np.size(value) else np.asarray(value, np.float64).reshape(1)
