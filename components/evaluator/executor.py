"""TFX's Evaluator, and a gate for what its thresholds cannot check."""

import math
import os
from typing import Any, Literal

import tensorflow_model_analysis as tfma
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_executor
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME as ANOMALIES_FILE
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.evaluator import baseline, eval_config, gate
from schemas import layout
from schemas.metrics import METRICS
from schemas.settings import GateSettings
from schemas.signatures import JUDGED_PROPERTY, judged
from schemas.verdict import CheckRecord, MetricRecord, Verdict

ANOMALIES_KEY = "anomalies"
GATE_KEY = "gate"


class Executor(tfx_executor.Executor):
    """Evaluates as TFX does, then writes the verdict and withdraws a blessing that the gate does not confirm."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the evaluation.

        Args:
          input_dict: `examples`, `model`, optionally `baseline_model`, as for TFX's Evaluator; `anomalies`: what
            ExampleValidator found, by split.
          output_dict: `evaluation`: TFMA's results, and next to them `verdict.json` (`schemas.verdict.Verdict`);
            `blessing`: blessed only if TFMA's thresholds and all rules of the gate are met and no split has anomalies;
            with the custom property `judged_model`, the model's id as text.
          exec_properties: `eval_config`, `example_splits` as for TFX's Evaluator; `gate`: JSON of `GateSettings`. If a
            model predicts no ratings, the `eval_config` for such a model takes the place of the one given.
        """
        settings = GateSettings.model_validate_json(exec_properties[GATE_KEY])
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        others = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY, [])
        rated = baseline.is_rated(model), all(map(baseline.is_rated, others))
        config = {
            standard_component_specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(eval_config.build(settings, *rated))
        }
        super().Do(input_dict, output_dict, exec_properties | ({} if all(rated) else config))
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        verdict = _verdict(
            settings=settings,
            values=_load_values(folder, *rated),
            anomalies=_load_anomalies(artifact_utils.get_single_instance(input_dict[ANOMALIES_KEY])),
            has_baseline=bool(others),
            is_rated=rated[0],
            is_baseline_rated=rated[1],
            thresholds_hold=blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY)
            == constants.BLESSED_VALUE,
        )
        io_utils.write_string_file(os.path.join(folder, layout.VERDICT), verdict.model_dump_json(indent=1))
        if not verdict.blessed:
            _withdraw(blessing)
        blessing.set_string_custom_property(JUDGED_PROPERTY, judged([model.id]))


def _verdict(
    settings: GateSettings,
    values: list[gate.Value],
    anomalies: list[str],
    has_baseline: bool,
    is_rated: bool,
    is_baseline_rated: bool,
    thresholds_hold: bool,
) -> Verdict:
    checks = gate.judge(gate.rules(settings, has_baseline, is_rated, is_baseline_rated), values)
    reasons = [check.reason(is_rated) for check in checks if not check.passed]
    reasons += [f"the data has an anomaly: {anomaly}" for anomaly in anomalies]
    if not thresholds_hold and not reasons:
        reasons.append("TFMA's thresholds are not met; see the evaluation's validations")
    changes = {(value.metric, value.slice): value.value for value in values if value.kind == "change"}
    return Verdict(
        blessed=not reasons,
        reasons=tuple(reasons),
        anomalies=tuple(anomalies),
        compared_with_baseline=has_baseline,
        not_compared=_not_compared(is_rated, is_baseline_rated) if has_baseline else "",
        metrics=tuple(
            MetricRecord(
                metric=value.metric,
                slice=value.slice,
                value=value.value,
                lower=value.lower,
                upper=value.upper,
                change=changes.get((value.metric, value.slice)),
            )
            for value in values
            if value.kind == "value"
        ),
        checks=tuple(
            CheckRecord(
                metric=check.rule.metric,
                slice=check.rule.slice,
                kind=check.rule.kind,
                rule=check.rule.describe(),
                passed=check.passed,
            )
            for check in checks
        ),
    )


def _not_compared(is_rated: bool, is_baseline_rated: bool) -> str:
    if is_rated == is_baseline_rated:
        return ""
    with_ratings, without = (
        ("this model", "the last blessed one") if is_rated else ("the last blessed model", "this one")
    )
    return f"{with_ratings} predicts ratings, {without} does not: only their ranks were compared"


def _load_values(folder: str, is_rated: bool, is_baseline_rated: bool) -> list[gate.Value]:
    """Returns the candidate's metrics and their differences from the baseline, for every slice.

    Metrics of ratings are left out where a model predicts none.
    """
    has_metric = {"value": is_rated, "change": is_rated and is_baseline_rated}
    values = []
    for metrics in tfma.load_metrics(folder):
        keys = metrics.slice_key.single_slice_keys
        where = gate.slice_name(keys[0].column, _slice_value(keys[0])) if keys else gate.OVERALL
        for pair in metrics.metric_keys_and_values:
            if pair.key.model_name == eval_config.BASELINE:
                continue
            kind: Literal["value", "change"] = "change" if pair.key.is_diff else "value"
            if METRICS[pair.key.name].of_ratings and not has_metric[kind]:
                continue
            values.append(gate.Value(pair.key.name, kind, where, pair.value.double_value.value, *_interval(pair)))
    return values


def _slice_value(key: Any) -> str:
    """Returns a slice's value as text; TFMA turns values that look like numbers into numbers."""
    value = getattr(key, key.WhichOneof("kind"))
    return value.decode() if isinstance(value, bytes) else f"{value:g}"


def _interval(pair: Any) -> tuple[float, float]:
    if not pair.HasField("confidence_interval"):
        return math.nan, math.nan
    interval = pair.confidence_interval
    return interval.lower_bound.double_value.value, interval.upper_bound.double_value.value


def _load_anomalies(artifact: types.Artifact) -> list[str]:
    """Returns one line for each anomaly of each split."""
    lines = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), ANOMALIES_FILE)
        anomalies = anomalies_pb2.Anomalies.FromString(io_utils.read_bytes_file(path))
        if anomalies.HasField("dataset_anomaly_info"):
            lines.append(f"{split}: {anomalies.dataset_anomaly_info.description}")
        for feature, info in sorted(anomalies.anomaly_info.items()):
            lines.append(f"{split}, {feature}: {info.description}")
    return lines


def _withdraw(blessing: types.Artifact) -> None:
    blessed = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        fileio.remove(blessed)
    io_utils.write_string_file(os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE)
