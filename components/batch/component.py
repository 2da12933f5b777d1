"""The step that writes recommendations for all known users."""

from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.batch import executor
from schemas.settings import BatchSettings


class Recommendations(types.Artifact):
    """Recommended items for users, in the folder given by the custom property `destination`."""

    TYPE_NAME = "atalaya.Recommendations"


class BatchRecommenderSpec(component_spec.ComponentSpec):
    """Input: a PushedModel; output: Recommendations."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.FOLDER_KEY: component_spec.ExecutionParameter(type=str),
        executor.CODE_VERSION_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.PUSHED_MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.PushedModel)
    }
    OUTPUTS = {executor.RECOMMENDATIONS_KEY: component_spec.ChannelParameter(type=Recommendations)}


class BatchRecommender(base_beam_component.BaseBeamComponent):
    """Writes each known user's best items, without those already seen, as Parquet; output `recommendations`."""

    SPEC_CLASS = BatchRecommenderSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, pushed_model: types.BaseChannel, settings: BatchSettings, folder: Path, code_version: str):
        """Creates the step.

        Args:
          pushed_model: the Pusher's PushedModel.
          settings: number of items per user and of users per file.
          folder: folder that receives a folder for each version.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            BatchRecommenderSpec(
                pushed_model=pushed_model,
                settings=settings.model_dump_json(include={"k", "users_per_shard"}),
                folder=str(folder),
                code_version=code_version,
                recommendations=types.Channel(type=Recommendations),
            )
        )
