"""Judges a model by what its signatures answer for the evaluation split, and blesses or refuses it."""

import os
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME as ANOMALIES_FILE
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from components.evaluator import gate
from components.evaluator.evaluation import Evaluation, Judged
from schemas import layout
from schemas.settings import FeatureSettings, GateSettings
from schemas.signatures import JUDGED_PROPERTY, judged
from schemas.verdict import CheckRecord, Verdict

ANOMALIES_KEY = "anomalies"
GATE_KEY = "gate"
FEATURES_KEY = "features"
_FILES = {True: constants.BLESSED_FILE_NAME, False: constants.NOT_BLESSED_FILE_NAME}


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates the model next to its baselines and the last blessed model, which both answer in Beam."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the evaluation.

        Args:
          input_dict: `examples`: raw Examples, of which the split `train` fits the baselines and `eval` is judged;
            `model`; optionally `baseline_model`, the last blessed one; `anomalies`: what ExampleValidator found, by
            split.
          output_dict: `evaluation`: ModelEvaluation with `verdict.json` (`schemas.verdict.Verdict`); `blessing`:
            ModelBlessing with the file and the custom properties of TFX's Evaluator, and `judged_model`, the model's id
            as text. The model is blessed if all rules of the gate are met and no split has anomalies.
          exec_properties: `gate`, `features`: JSON of `GateSettings` and `FeatureSettings`.

        Raises:
          DataError: there are no examples.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = GateSettings.model_validate_json(exec_properties[GATE_KEY])
        features = FeatureSettings.model_validate_json(exec_properties[FEATURES_KEY])
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        others = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY, [])
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        evaluation = Evaluation(
            model=path_utils.serving_model_path(model.uri),
            train=artifact_utils.get_split_uri(examples, "train"),
            evaluation=artifact_utils.get_split_uri(examples, "eval"),
            features=features,
            max_users=settings.max_users,
        )
        last = [path_utils.serving_model_path(other.uri) for other in others]
        anomalies = _load_anomalies(artifact_utils.get_single_instance(input_dict[ANOMALIES_KEY]))
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        found = evaluation.judge(self._make_beam_pipeline, folder, *last)
        verdict = _verdict(settings, found, anomalies)
        io_utils.write_string_file(os.path.join(folder, layout.VERDICT), verdict.model_dump_json(indent=1))
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        _bless(blessing, model, others, verdict.blessed)


def _verdict(settings: GateSettings, found: Judged, anomalies: list[str]) -> Verdict:
    flags = found.has_other, found.is_rated, found.is_other_rated, found.is_by_biases
    conditions, notes = gate.rules(settings, found.records, *flags)
    checks = gate.judge(conditions, found.records)
    reasons = [check.reason(found.is_rated) for check in checks if not check.passed]
    reasons += [f"the data has an anomaly: {anomaly}" for anomaly in anomalies]
    return Verdict(
        blessed=not reasons,
        reasons=tuple(reasons),
        anomalies=tuple(anomalies),
        compared_with_baseline=found.has_other,
        not_compared=_not_compared(found.is_rated, found.is_other_rated) if found.has_other else "",
        notes=(*found.notes, *notes),
        metrics=tuple(found.records),
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
    return f"{with_ratings} predicts ratings, {without} does not: only their lists were compared"


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


def _bless(blessing: types.Artifact, model: types.Artifact, others: list[types.Artifact], blessed: bool) -> None:
    """Writes the file and the properties by which TFX's resolvers and the Pusher know a blessing."""
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    for other in others:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, other.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, other.id)
    io_utils.write_string_file(os.path.join(blessing.uri, _FILES[blessed]), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    blessing.set_string_custom_property(JUDGED_PROPERTY, judged([model.id]))
