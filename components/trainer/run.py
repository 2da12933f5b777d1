"""The entry point of TFX's Trainer."""

import logging
from typing import TYPE_CHECKING

from components.trainer.record import training_record, write_record
from components.trainer.vocabularies import read_vocabularies
from recommender.interactions.examples import read_dataset
from recommender.serving.export import save
from recommender.training.devices import is_chief, training_strategy
from recommender.training.fit_recommender import fit_recommender
from schemas.settings import Settings

if TYPE_CHECKING:  # importing TFX takes half a minute, and TFX's Trainer has already done so
    from tfx.components.trainer.fn_args_utils import FnArgs

_LOG = logging.getLogger("atalaya")


def run_fn(fn_args: "FnArgs") -> None:
    """Fits the models and exports them as one SavedModel; of several processes that fit together, the chief does.

    Args:
      fn_args: `train_files`, file patterns of the raw training examples; `eval_files`, file patterns of the raw
        catalogue, not of the evaluation split, which the Trainer cannot read; `transform_graph_path`;
        `serving_model_dir` for the SavedModel and its `TrainingRecord`; `model_run_dir` for TensorBoard's logs;
        `custom_config["settings"]`, the JSON of `Settings`, and `custom_config["code_version"]`.

    Raises:
      DataError: there are no examples, or too few.
    """
    strategy = training_strategy()
    settings = Settings.model_validate_json(fn_args.custom_config["settings"])
    vocabularies = read_vocabularies(fn_args.transform_graph_path)
    dataset = read_dataset(fn_args.train_files, fn_args.eval_files, vocabularies)
    fitted = fit_recommender(dataset, settings, fn_args.model_run_dir if is_chief(strategy) else None, strategy)
    if not is_chief(strategy):
        return
    save(fitted.parts, fn_args.serving_model_dir, fitted.serving)
    record = training_record(dataset.interactions, fitted, settings, fn_args.custom_config["code_version"])
    write_record(record, fn_args.serving_model_dir)
    _LOG.info("exported to %s", fn_args.serving_model_dir)
