"""Adds the on-device sequence models to the SavedModel that will be evaluated and pushed."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.on_device_exporter.trained import Trained
from components.on_device_exporter.variants import export
from schemas import layout
from schemas import on_device_record as record
from schemas import signatures as names
from schemas.on_device_record import Index
from schemas.settings import OnDeviceSettings

SETTINGS_KEY = "settings"
SEQUENCE_MODELS_KEY = "sequence_models"
EXPORTED_MODEL_KEY = "exported_model"

_log = logging.getLogger("atalaya")


class Executor(base_executor.BaseExecutor):
    """Copies the SavedModel and puts the files that pass their gate beside it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Converts, verifies, measures, and exports or refuses; a refused model is no failure of this step.

        Args:
          input_dict: `model`: the Model that will be pushed; `sequence_models`: the sequence trainer's, a folder each.
          output_dict: `exported_model`: the same SavedModel with the custom property of its split, and in its
            `assets.extra/on_device/` the TFLite files, a description of each model, `items.json`, which tells the
            items' numbers, and `on_device.json`, which tells of all models, those refused too.
          exec_properties: `settings`: JSON of `OnDeviceSettings`.

        Raises:
          RuntimeError: the models do not number the items alike.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = OnDeviceSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        source = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        sequences = artifact_utils.get_single_instance(input_dict[SEQUENCE_MODELS_KEY])
        exported = artifact_utils.get_single_instance(output_dict[EXPORTED_MODEL_KEY])
        split = source.get_string_custom_property(names.SPLIT_PROPERTY)
        exported.set_string_custom_property(names.SPLIT_PROPERTY, split)
        model = Path(path_utils.serving_model_dir(exported.uri))
        shutil.copytree(path_utils.serving_model_path(source.uri), model, dirs_exist_ok=True)
        folder = model / layout.ON_DEVICE
        folder.mkdir(parents=True)
        trained = Path(path_utils.serving_model_dir(sequences.uri))
        models = [Trained(trained / each.name) for each in settings.enabled]
        if any(each.items != models[0].items for each in models):
            raise RuntimeError(f"{trained}: expected the same numbers of items in all models: train them together")
        summaries = []
        for each in models:
            made = export(each, folder, settings)
            summaries.append(record.summarize(made))
            _write(folder / summaries[-1].description, made.model_dump_json(indent=1))
            for file, reasons in summaries[-1].refused.items():
                _log.warning("on_device/%s is not exported: %s", file, "; ".join(reasons))
        _write(folder / layout.ON_DEVICE_ITEMS, json.dumps(models[0].items, ensure_ascii=False))
        _write(model / layout.ON_DEVICE_INDEX, Index(models=tuple(summaries)).model_dump_json(indent=1))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
