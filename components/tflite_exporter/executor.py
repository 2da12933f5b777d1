"""Adds the on-device ranking model to the SavedModel that will be evaluated and pushed."""

import glob
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.tflite_exporter import convert, verify
from schemas import signatures as names
from schemas.settings import ExportSettings

SETTINGS_KEY = "settings"
SPLIT_KEY = "split"
EXPORTED_MODEL_KEY = "exported_model"
MODEL_FILE = "assets.extra/ranking.tflite"
DESCRIPTION_FILE = "assets.extra/ranking.json"
PAIRS = 1_000
"""Pairs of user and item on which both models are compared."""
_UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"

_MEANING = {
    names.USER_ID: "user id as in the ratings file, in UTF-8; an unknown id gets the rating of an average user",
    names.ITEM_ID: "item id as in the ratings file, in UTF-8; an unknown id gets the rating of an average item",
    names.RATING: "predicted rating, within the rating scale",
}


class Executor(base_executor.BaseExecutor):
    """Copies the SavedModel and puts `ranking.tflite` and its description into `assets.extra/`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Converts, verifies and describes.

        Args:
          input_dict: `model`: the Trainer's Model; `examples`: Examples whose split `eval` gives pairs to compare on.
          output_dict: `exported_model`: the same SavedModel with `assets.extra/ranking.tflite` and `ranking.json`.
          exec_properties: `settings`: JSON of `ExportSettings`; `split`: JSON of `SplitSettings`, which the exported
            model carries as a custom property.

        Raises:
          RuntimeError: the two models' ratings differ by more than the settings allow, or LiteRT cannot run it.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = ExportSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        source = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        exported = artifact_utils.get_single_instance(output_dict[EXPORTED_MODEL_KEY])
        exported.set_string_custom_property(names.SPLIT_PROPERTY, exec_properties[SPLIT_KEY])
        folder = Path(path_utils.serving_model_dir(exported.uri))
        shutil.copytree(path_utils.serving_model_path(source.uri), folder, dirs_exist_ok=True)
        model = folder / MODEL_FILE
        model.parent.mkdir(exist_ok=True)
        model.write_bytes(convert.convert(str(folder), names.RATE))
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        pairs = _pairs(artifact_utils.get_split_uri(examples, "eval"))
        difference, ran = _compare(folder, model, pairs)
        if not difference <= settings.tflite_tolerance:
            raise RuntimeError(
                f"{MODEL_FILE}: its ratings differ from the SavedModel's by up to {difference:g} on {len(pairs)} "
                f"pairs, at most {settings.tflite_tolerance:g} is allowed (export.tflite_tolerance)"
            )
        description = _describe(model, ran) | {"largest_difference": difference, "pairs_compared": len(pairs)}
        (folder / DESCRIPTION_FILE).write_text(json.dumps(description, indent=2), encoding="utf-8")


def _pairs(split: str) -> list[tuple[bytes, bytes]]:
    """The first pairs of user and item of the split, and unknown ones."""
    dataset = tf.data.TFRecordDataset(sorted(glob.glob(os.path.join(split, "*"))), compression_type="GZIP")
    pairs = []
    for record in dataset.take(PAIRS).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        pairs.append((feature[names.USER_ID].bytes_list.value[0], feature[names.ITEM_ID].bytes_list.value[0]))
    user, item = pairs[0]
    return [*pairs, (_UNKNOWN, item), (user, _UNKNOWN), (_UNKNOWN, _UNKNOWN)]


def _compare(folder: Path, model: Path, pairs: list[tuple[bytes, bytes]]) -> tuple[float, dict[str, Any]]:
    """Largest difference between the two models' ratings, and what LiteRT says of its model."""
    users, items = (np.array(column) for column in zip(*pairs, strict=True))
    rate = tf.saved_model.load(str(folder)).signatures[names.RATE]
    expected = rate(**{names.USER_ID: tf.constant(users), names.ITEM_ID: tf.constant(items)})[names.RATING].numpy()
    ran = verify.check(model, names.RATE, {names.USER_ID: users, names.ITEM_ID: items})
    return float(np.max(np.abs(ran["outputs"][names.RATING] - expected))), ran


def _describe(model: Path, ran: dict[str, Any]) -> dict[str, Any]:
    def documented(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: tensor | {"meaning": _MEANING[name]} for name, tensor in tensors.items()}

    content = model.read_bytes()
    return {
        "file": model.name,
        "signature": names.RATE,
        "inputs": documented(ran["inputs"]),
        "outputs": documented(ran["output_tensors"]),
        "operators": ran["operators"],
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "tensorflow": tf.__version__,
    }
