"""TFX's Pusher, which also adds the exports, makes versions appear whole or not at all, and pushes each only once."""

import logging
import time
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.pusher import executor as tfx_executor
from tfx.components.util import model_utils
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.pusher.folder import push
from schemas import on_device_record, training_record
from schemas import verdict as verdict_schema
from schemas.model_card import ModelCard
from schemas.signatures import JUDGED_PROPERTY, judged

EVALUATION_KEY = "evaluation"
_INDEX_KEY = "index"
_ON_DEVICE_KEY = "on_device_models"
EXPORT_KEYS = ("tflite_models", _INDEX_KEY, _ON_DEVICE_KEY)
"""Inputs whose files a version holds in addition to the model's, at the same paths as in the artifact."""

_log = logging.getLogger("atalaya")


class Executor(tfx_executor.Executor):
    """Copies a blessed model and its exports next to their destination and renames the folder."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it has both blessings.

        Args:
          input_dict: `model`: the Trainer's Model; `tflite_models`, and optionally `index` and `on_device_models`: the
            exporters' artifacts; `model_blessing`: the Evaluator's blessing; `infra_blessing`: the canary's;
            `evaluation`: the ModelEvaluation with the verdict.
          output_dict: `pushed_model`: PushedModel with the custom properties `pushed` (0 or 1), `pushed_destination`
            and `pushed_version`, as TFX's Pusher sets them, `is_new` (0 if it was already the newest) and
            `is_withdrawn` (1 if it was not pushed because a rollback took it out of service; the destination is then
            the newest version).
          exec_properties: `push_destination`: JSON of `PushDestination`; its base directory holds the versions.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        model = Path(self.GetModelPath(input_dict))
        evaluation = artifact_utils.get_single_uri(input_dict[EVALUATION_KEY])
        card = ModelCard(
            training=training_record.read(model),
            evaluation=verdict_schema.read(evaluation),
            on_device=tuple(
                summary
                for artifact in input_dict.get(_ON_DEVICE_KEY, [])
                for summary in on_device_record.read_index(Path(artifact.uri))
            ),
        )
        exports = [Path(artifact.uri) for key in EXPORT_KEYS for artifact in input_dict.get(key, [])]
        version, outcome = push([model, *exports], Path(destination.filesystem.base_directory), int(time.time()), card)
        if outcome == "unchanged":
            _log.info("this model is already the newest pushed version: %s", version)
        self._MarkPushed(pushed, pushed_destination=str(version), pushed_version=version.name)
        pushed.set_int_custom_property("pushed", int(outcome != "withdrawn"))
        pushed.set_int_custom_property("is_new", int(outcome == "new"))
        pushed.set_int_custom_property("is_withdrawn", int(outcome == "withdrawn"))

    def CheckBlessing(self, input_dict: dict[str, list[types.Artifact]]) -> bool:
        """Returns whether there are both blessings, of this model and this index; TFX's check also accepts none."""
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        evaluated = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_BLESSING_KEY])
        tried = artifact_utils.get_single_instance(input_dict[standard_component_specs.INFRA_BLESSING_KEY])
        indexes = [index.id for index in input_dict.get(_INDEX_KEY, [])]
        return (
            model_utils.is_model_blessed(evaluated)
            and model_utils.is_infra_validated(tried)
            and evaluated.get_string_custom_property(JUDGED_PROPERTY) == judged([model.id])
            and tried.get_string_custom_property(JUDGED_PROPERTY) == judged([model.id, *indexes])
        )
