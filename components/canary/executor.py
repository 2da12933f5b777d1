"""Tests an export in a fresh process and writes the blessing that the Pusher requires."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.protobuf import saved_model_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.canary import contract, probe
from components.canary.cases import Sample
from recommender.interactions.examples import TEXT, TEXTS, read_batches, read_columns
from schemas import layout, training_record
from schemas import signatures as names
from schemas.canary import CanaryCheck, CanaryRecord
from schemas.index import KINDS
from schemas.settings import CanarySettings
from schemas.training_record import TrainingRecord

SETTINGS_KEY = "settings"
INDEX_KEY = "index"
USERS = 32
"""Maximum number of users in the requests: those of the first evaluation examples."""
_MAX_OUTPUT = 2_000
"""Characters of the process's error output that are kept."""
# File names of TFX's InfraValidator, for human readers; the Pusher reads the property.
_FILES = {True: "INFRA_BLESSED", False: "INFRA_NOT_BLESSED"}


class Executor(base_executor.BaseExecutor):
    """Samples users and items, runs the probe, and blesses or refuses the export."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Tests the export and its index.

        An export that is broken, crashes or hangs is refused; the step itself succeeds.

        Args:
          input_dict: `model`: the Model; `examples`: Examples with the splits `eval` (users), `train` (the
            items that these users have seen) and `candidates` (the catalogue); `index`, optional: the index of the
            IndexExporter.
          output_dict: `blessing`: InfraBlessing with `canary.json` (`schemas.canary.CanaryRecord`) and the custom
            properties `blessed` (0 or 1), as set by TFX's InfraValidator, `current_model_id`, as set by its Evaluator,
            and `judged_model`: the ids of the model and of the index, as text (`schemas.signatures.judged`).
          exec_properties: `settings`: JSON of `CanarySettings`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = CanarySettings.model_validate_json(exec_properties[SETTINGS_KEY])
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        folder = Path(path_utils.serving_model_path(model.uri))
        sample = _sample(input_dict[standard_component_specs.EXAMPLES_KEY], training_record.read(folder))
        record = _run(contract.model_request(str(folder), sample, settings), settings.timeout_s)
        indexes = input_dict.get(INDEX_KEY, [])
        for index, kind in itertools.product(indexes, KINDS):
            path = Path(index.uri) / layout.index_folder(kind)
            if path.is_dir():
                request = contract.index_request(str(path), kind, sample, _width(path), settings)
                record = record.with_part(_run(request, settings.timeout_s), layout.index_folder(kind))
        output = Path(blessing.uri)
        output.mkdir(parents=True, exist_ok=True)
        (output / layout.CANARY).write_text(record.model_dump_json(indent=1), encoding="utf-8")
        (output / _FILES[record.blessed]).touch()
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(record.blessed))
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
        judged = names.judged([model.id, *(index.id for index in indexes)])
        blessing.set_string_custom_property(names.JUDGED_PROPERTY, judged)


def _width(index: Path) -> int:
    """Returns the length of the vectors that the index searches for."""
    saved = saved_model_pb2.SavedModel.FromString((index / "saved_model.pb").read_bytes())
    vectors = saved.meta_graphs[0].signature_def[names.SEARCH].inputs[names.EMBEDDING]
    return vectors.tensor_shape.dim[1].size


def _sample(examples: list[types.Artifact], training: TrainingRecord) -> Sample:
    evaluation, train, candidates = (
        os.path.join(artifact_utils.get_split_uri(examples, split), "*") for split in ("eval", "train", "candidates")
    )
    first = next(read_batches([evaluation], {names.USER_ID: TEXT}))[names.USER_ID]
    users = list(dict.fromkeys(first.tolist()))[:USERS]
    seen: dict[bytes, list[bytes]] = {user: [] for user in users}
    for batch in read_batches([train], {names.USER_ID: TEXT, names.ITEM_ID: TEXT}):
        rows = np.flatnonzero(np.isin(batch[names.USER_ID], users))
        for row in rows:
            seen[batch[names.USER_ID][row]].append(batch[names.ITEM_ID][row])
    catalogue = read_columns([candidates], {names.ITEM_ID: TEXT, names.GENRES: TEXTS})
    values, splits = catalogue[names.GENRES]
    genres = {item: values[splits[row] : splits[row + 1]].tolist() for row, item in enumerate(catalogue[names.ITEM_ID])}
    return Sample(seen, genres, training.data.rating_scale)


def _run(request: dict[str, Any], timeout_s: float) -> CanaryRecord:
    """Runs the probe; returns its record, or a refusal if its process fails or times out.

    Args:
      request: from `contract.model_request` or `contract.index_request`.
      timeout_s: seconds after which the process is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        request_file, record_file = Path(folder) / "request.json", Path(folder) / "record.json"
        request_file.write_text(json.dumps(request), encoding="utf-8")
        # -I keeps this project off the import path: the script's folder and PYTHONPATH are ignored.
        command = [sys.executable, "-I", "-W", "ignore", probe.__file__, str(request_file), str(record_file)]
        try:
            process = subprocess.run(command, capture_output=True, errors="replace", timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return _refusal(
                "time",
                f"expected the process to end within {timeout_s:g} s (canary.timeout_s), but it was still running",
            )
        if process.returncode or not record_file.exists():
            output = process.stderr.strip()[-_MAX_OUTPUT:] or "no error output"
            return _refusal(
                "process", f"expected exit status 0 and a record, got status {process.returncode}: {output}"
            )
        return CanaryRecord.model_validate_json(record_file.read_text(encoding="utf-8"))


def _refusal(check: str, message: str) -> CanaryRecord:
    return CanaryRecord(checks=(CanaryCheck(name=check, passed=False, message=message),))
