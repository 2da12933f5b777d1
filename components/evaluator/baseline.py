"""The model that a new one is compared with: the last other one with both blessings."""

import ml_metadata as mlmd
from pydantic import ValidationError
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from schemas import layout
from schemas.training_record import TrainingRecord

CURRENT = "current"
INFRA_BLESSING = "infra_blessing"


class LatestOtherBlessedModelStrategy(LatestBlessedModelStrategy):
    """TFX's `LatestBlessedModelStrategy` with two more channels.

    `current` is the model about to be evaluated. Once blessed, a model would be its own baseline when the pipeline runs
    again on unchanged data: the comparison would be empty, and the changed input would make the Evaluator and the
    Pusher run again. `infra_blessing` holds the canary's verdicts: a model that it refused was never pushed.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Resolves `model` and `model_blessing` to the latest blessed model that `current` can be compared with.

        Such a model is another one, blessed by the canary, whose files still exist, and which was trained on the same
        split of the data: with another split, it would have been trained on what it is now evaluated on. There may be
        none.
        """
        kept = {key: input_dict[key] for key in (CURRENT, INFRA_BLESSING)}
        current = kept[CURRENT]
        eligible = {_judged(blessing) for blessing in kept[INFRA_BLESSING] if _is_blessed(blessing)}
        eligible -= {model.id for model in current}
        models = [model for model in input_dict["model"] if model.id in eligible and _is_comparable(model, current)]
        judged = {"model": models, "model_blessing": input_dict["model_blessing"]}
        return (super().resolve_artifacts(store, judged) or {}) | kept


def _judged(blessing: types.Artifact) -> int:
    """The id of the model that was blessed or refused."""
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)


def _is_blessed(blessing: types.Artifact) -> bool:
    return blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == 1


def _is_comparable(model: types.Artifact, current: list[types.Artifact]) -> bool:
    split = _split(model)
    return split is not None and all(_split(other) == split for other in current)


def _split(model: types.Artifact) -> tuple[str, float, int | None] | None:
    """Method, evaluation share and seed of the split that a model was trained with, None if it is not known."""
    record = _record(model)
    if record is None:
        return None
    return record.data.split_method, record.data.eval_share, record.seeds.get("split")


def _record(model: types.Artifact) -> TrainingRecord | None:
    """The record of a model's training.

    None if its files are gone, or were written by a version of Atalaya that recorded something else.
    """
    path = f"{path_utils.serving_model_path(model.uri)}/{layout.TRAINING_RECORD}"
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        try:
            return TrainingRecord.model_validate_json(file.read())
        except ValidationError:
            return None
