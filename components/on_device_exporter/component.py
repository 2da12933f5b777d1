"""The step that converts the sequence models for devices."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.on_device_exporter import executor
from schemas.settings import OnDeviceSettings


class OnDeviceExporterSpec(component_spec.ComponentSpec):
    """Input: the sequence models; output: their TFLite models."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.SEQUENCE_MODELS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {executor.ON_DEVICE_MODELS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class OnDeviceExporter(base_component.BaseComponent):
    """Converts and measures the sequence models, exports those that pass their gate; output `on_device_models`."""

    SPEC_CLASS = OnDeviceExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        sequence_models: types.BaseChannel,
        settings: OnDeviceSettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          sequence_models: the SequenceTrainer's Model.
          settings: the variants and the limits for each file.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            OnDeviceExporterSpec(
                sequence_models=sequence_models,
                settings=settings.model_dump_json(),
                code_version=code_version,
                on_device_models=types.Channel(type=standard_artifacts.Model),
            )
        )
