"""Which model a new one is compared with: the last blessed one, itself excepted."""

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from schemas.signatures import SPLIT_PROPERTY

CURRENT = "current"


class LatestOtherBlessedModelStrategy(LatestBlessedModelStrategy):
    """TFX's `LatestBlessedModelStrategy` with one more channel, `current`: the model about to be evaluated.

    Once blessed, a model would be its own baseline when the pipeline runs again on unchanged data: the comparison
    would say nothing, and the changed input would make the Evaluator and the Pusher work again.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Resolves `model` and `model_blessing` to the latest blessed model that `current` can be compared with.

        That is one other than itself whose files still exist, and which saw the same split of the data: another
        would have been trained on what it is now evaluated on. There may be none.
        """
        current = input_dict[CURRENT]
        excluded = {artifact.id for artifact in current}
        others = {
            key: [artifact for artifact in artifacts if artifact.id not in excluded]
            for key, artifacts in input_dict.items()
            if key != CURRENT
        }
        others["model"] = [model for model in others["model"] if _is_comparable(model, current)]
        return (super().resolve_artifacts(store, others) or {}) | {CURRENT: current}


def _is_comparable(model: types.Artifact, current: list[types.Artifact]) -> bool:
    return fileio.exists(path_utils.serving_model_path(model.uri)) and all(
        model.get_string_custom_property(SPLIT_PROPERTY) == other.get_string_custom_property(SPLIT_PROPERTY)
        for other in current
    )
