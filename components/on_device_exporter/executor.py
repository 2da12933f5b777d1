"""Converts the sequence models for devices and exports those that pass their gate."""

import json
import logging
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.on_device_exporter.trained import Trained
from components.on_device_exporter.variants import export
from schemas import layout
from schemas import on_device_record as record
from schemas.on_device_record import Index
from schemas.settings import OnDeviceSettings

SETTINGS_KEY = "settings"
SEQUENCE_MODELS_KEY = "sequence_models"
ON_DEVICE_MODELS_KEY = "on_device_models"

_log = logging.getLogger("atalaya")


class Executor(base_executor.BaseExecutor):
    """Writes the TFLite files that pass their gate."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Converts, verifies and measures the models, then exports or refuses them; a refusal does not fail the step.

        Args:
          input_dict: `sequence_models`: the SequenceTrainer's Model, with a folder for each model.
          output_dict: `on_device_models`: a folder with the TFLite files in `assets.extra/on_device/`, a description of
            each model, `items.json` with the items' numbers, and `on_device.json`, which lists all models, including
            the refused ones.
          exec_properties: `settings`: JSON of `OnDeviceSettings`.

        Raises:
          RuntimeError: the models number the items differently.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = OnDeviceSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        output = Path(artifact_utils.get_single_uri(output_dict[ON_DEVICE_MODELS_KEY]))
        folder = output / layout.ON_DEVICE
        folder.mkdir(parents=True, exist_ok=True)
        trained = Path(path_utils.serving_model_dir(artifact_utils.get_single_uri(input_dict[SEQUENCE_MODELS_KEY])))
        models = [Trained(trained / each.name) for each in settings.enabled]
        if any(each.items != models[0].items for each in models):
            raise RuntimeError(
                f"{trained}: expected the same numbering of items in all models: train the models together"
            )
        summaries = []
        for each in models:
            made = export(each, folder, settings)
            summaries.append(record.summarize(made))
            _write(folder / summaries[-1].description, made.model_dump_json(indent=1))
            for file, reasons in summaries[-1].refused.items():
                _log.warning("on_device/%s is not exported: %s", file, "; ".join(reasons))
        _write(folder / layout.ON_DEVICE_ITEMS, json.dumps(models[0].items, ensure_ascii=False))
        _write(output / layout.ON_DEVICE_INDEX, Index(models=tuple(summaries)).model_dump_json(indent=1))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
