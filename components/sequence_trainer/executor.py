"""Trains the on-device sequence models on the examples' histories."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.models.inputs import Events
from components.sequence_trainer import export, files
from components.sequence_trainer.fit import fit_sequence, training_windows
from components.sequence_trainer.reading import PADDING, Items, read_events, read_items
from components.sequence_trainer.windows import Timelines
from schemas.on_device import OnDeviceSettings, SequenceModelSettings
from schemas.settings import SplitSettings, TrainingSettings

SETTINGS_KEY = "settings"
SPLIT_KEY = "split"
TRAINING_KEY = "training"
SEQUENCE_MODELS_KEY = "sequence_models"
_LOG = logging.getLogger("atalaya")


class Executor(base_executor.BaseExecutor):
    """Fits each enabled model and writes it with what it is judged by."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads, fits, writes.

        Args:
          input_dict: `examples`: Examples with the splits `train`, `eval` and `candidates`, raw. Of the evaluation
            split only the labels of the evaluation windows come; it is read when all models are fitted.
          output_dict: `sequence_models`: Model, in whose serving folder a folder for each model holds `saved_model/`,
            `windows.npz`, `items.json` and `model.json`.
          exec_properties: `settings`, `split`, `training`: JSON of `OnDeviceSettings`, `SplitSettings` and
            `TrainingSettings`.

        Raises:
          DataError: examples are missing, or too few.
          FloatingPointError: a training diverged.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = OnDeviceSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        split = SplitSettings.model_validate_json(exec_properties[SPLIT_KEY])
        training = TrainingSettings.model_validate_json(exec_properties[TRAINING_KEY])
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        folders = {name: artifact_utils.get_split_uri(examples, name) for name in ("train", "eval", "candidates")}
        items, users = read_items(folders["candidates"]), dict[bytes, int]()
        train = read_events(folders["train"], items, users)
        output = artifact_utils.get_single_instance(output_dict[SEQUENCE_MODELS_KEY])
        root = Path(path_utils.serving_model_dir(output.uri))
        records = {}
        for model in settings.enabled:
            fitted = fit_sequence(train, items, model, split, training)
            export.save(fitted.model, items, model, str(root / model.name / "saved_model"))
            records[model.name] = fitted.record
        evaluation = read_events(folders["eval"], items, users)
        for model in settings.enabled:
            _write(root / model.name, model, records[model.name], train, evaluation, items, split, training.seed)


def _write(
    folder: Path,
    settings: SequenceModelSettings,
    record: dict[str, Any],
    train: Events,
    evaluation: Events,
    items: Items,
    split: SplitSettings,
    seed: int,
) -> None:
    timelines = Timelines(train, items, seed)
    fitted = training_windows(timelines, settings, split.method, seed)
    judged = timelines.windows(evaluation, settings.features)
    users = evaluation.user[judged.event]
    files.write_windows(folder / "windows.npz", fitted, judged, users, items, seed)
    files.write_items(folder / "items.json", items)
    dropped = {
        "train_of_no_item": int(np.sum(train.item == PADDING)),
        "train_without_earlier_event": len(timelines.events.user) - len(fitted.label),
        "eval_without_earlier_event": len(evaluation.user) - len(judged.label),
    }
    description = files.describe(settings, items, record, dropped, seed)
    (folder / "model.json").write_text(json.dumps(description, indent=2), encoding="utf-8")
    _LOG.info(
        "on-device %s: %d evaluation windows; %d evaluation events have no earlier training event of their user",
        *(settings.name, len(judged.label), dropped["eval_without_earlier_event"]),
    )
