"""Trains the on-device sequence models on the examples' histories."""

from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components.sequence_trainer import files
from recommender.interactions.hold_out import hold_out
from recommender.interactions.items import read_events, read_items
from recommender.serving import sequence as export
from recommender.training.fit_sequence import fit_sequence
from schemas.settings import OnDeviceSettings, SplitSettings, TrainingSettings

SETTINGS_KEY = "settings"
SPLIT_KEY = "split"
TRAINING_KEY = "training"
SEQUENCE_MODELS_KEY = "sequence_models"


class Executor(base_executor.BaseExecutor):
    """Fits each enabled model and writes it with the windows to evaluate it on."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads the events, fits the models and writes them.

        Args:
          input_dict: `examples`: raw Examples with the splits `train`, `eval` and `candidates`. The evaluation split,
            which only provides the labels of the evaluation windows, is read after all models are fitted.
          output_dict: `sequence_models`: Model whose serving folder has a folder for each model with `saved_model/`,
            `windows.npz`, `items.json` and `model.json`.
          exec_properties: `settings`, `split`, `training`: JSON of `OnDeviceSettings`, `SplitSettings` and
            `TrainingSettings`.

        Raises:
          DataError: there are no examples, or too few.
          FloatingPointError: the training of a model diverged.
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
        divided = hold_out(train, training.validation_share, split.method, training.seed)
        for model in settings.enabled:
            fitted = fit_sequence(divided, items, model, split, training)
            export.save(fitted.model, items, model, str(root / model.name / "saved_model"))
            records[model.name] = fitted.record
        evaluation = read_events(folders["eval"], items, users)
        for model in settings.enabled:
            files.write(root / model.name, model, records[model.name], train, evaluation, items, split, training.seed)
