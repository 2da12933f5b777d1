"""Adds an approximate index to the SavedModel that will be evaluated and pushed, if it is good enough."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.scann_exporter import content, gate, index, verify
from schemas.settings import IndexSettings

SETTINGS_KEY = "settings"
EXPORTED_MODEL_KEY = "exported_model"
INDEX_FOLDER = "assets.extra/index/scann"
DESCRIPTION_FILE = "assets.extra/index/scann.json"
SAMPLED_USERS = 500
"""Users for whom the index is compared with the exact one, beside one who is not known."""

_log = logging.getLogger("atalaya")


class Executor(base_executor.BaseExecutor):
    """Copies the SavedModel, puts the index beside it and removes that again if it fails its gate."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Builds, measures and keeps or refuses.

        Args:
          input_dict: `model`: the Trainer's Model; `examples`: Examples with the splits `candidates` and `train`.
          output_dict: `exported_model`: the same SavedModel with `assets.extra/index/scann.json`, which tells the
            verdict, and, if it is good, the index in `assets.extra/index/scann/`.
          exec_properties: `settings`: JSON of `IndexSettings`.

        Raises:
          RuntimeError: the index cannot be loaded or called in a fresh process.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = IndexSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        source = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        exported = artifact_utils.get_single_instance(output_dict[EXPORTED_MODEL_KEY])
        folder = Path(path_utils.serving_model_dir(exported.uri))
        shutil.copytree(path_utils.serving_model_path(source.uri), folder, dirs_exist_ok=True)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        catalogue, train = (artifact_utils.get_split_uri(examples, split) for split in ("candidates", "train"))
        description = _try(folder, catalogue, train, settings)
        if not description["exported"]:
            shutil.rmtree(folder / INDEX_FOLDER, ignore_errors=True)
            _log.warning("%s is not exported: %s", INDEX_FOLDER, "; ".join(description["reasons"]))
        path = folder / DESCRIPTION_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(description, indent=2), encoding="utf-8")


def _try(folder: Path, catalogue: str, train: str, settings: IndexSettings) -> dict[str, Any]:
    """Writes the index into the model's folder, and says how it is made, what it measures and whether it may stay."""
    items, titles = content.read_items(catalogue)
    tree = index.plan(len(items), settings.searched_share)
    measures: dict[str, Any] = {}
    reasons = gate.too_few_items(len(items), settings)
    if not reasons:
        made = content.make_content(tf.saved_model.load(str(folder)), items, titles, train)
        index.Index(made, tree).save(str(folder / INDEX_FOLDER))
        sample = made.users[np.linspace(0, len(made.users) - 1, SAMPLED_USERS).astype(int)]
        users = np.append(np.unique(sample), content.UNKNOWN)
        measures = {"users": len(users), **verify.measure(folder, folder / INDEX_FOLDER, users, settings.recall_k)}
        reasons = gate.shortcomings(measures, settings)
    return {
        "exported": not reasons,
        "reasons": reasons,
        "items": len(items),
        **tree._asdict(),
        "measures": measures,
        "thresholds": settings.model_dump(exclude={"scann"}),
        "tensorflow": tf.__version__,
    }
