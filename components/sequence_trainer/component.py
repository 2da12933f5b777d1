"""The step that trains the on-device sequence models."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.sequence_trainer import executor
from schemas.settings import OnDeviceSettings, SplitSettings, TrainingSettings


class SequenceTrainerSpec(component_spec.ComponentSpec):
    """Input: Examples; output: sequence models."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        executor.SPLIT_KEY: component_spec.ExecutionParameter(type=str),
        executor.TRAINING_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {executor.SEQUENCE_MODELS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class SequenceTrainer(base_component.BaseComponent):
    """Cuts the training events into windows and fits the models to them; output `sequence_models`."""

    SPEC_CLASS = SequenceTrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        settings: OnDeviceSettings,
        split: SplitSettings,
        training: TrainingSettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          examples: raw Examples with the splits `train`, `eval` and `candidates`.
          settings: the models to train.
          split: how the examples were divided.
          training: the share of events held out for early stopping, whether to refit on all events, and the seed.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            SequenceTrainerSpec(
                examples=examples,
                # Only the models, so that a change of the exporter's limits does not retrain them.
                settings=settings.model_dump_json(include={"models"}),
                split=split.model_dump_json(),
                training=training.model_dump_json(),
                code_version=code_version,
                sequence_models=types.Channel(type=standard_artifacts.Model),
            )
        )
