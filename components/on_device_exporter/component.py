"""The step that adds the on-device sequence models to the model that is judged and pushed."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.on_device_exporter import executor
from schemas.settings import OnDeviceSettings


class OnDeviceExporterSpec(component_spec.ComponentSpec):
    """A Model in, the same Model with on-device sequence models out."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        executor.SEQUENCE_MODELS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {executor.EXPORTED_MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class OnDeviceExporter(base_component.BaseComponent):
    """Converts the sequence models, measures them and adds those that are good enough; output `exported_model`."""

    SPEC_CLASS = OnDeviceExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        sequence_models: types.BaseChannel,
        settings: OnDeviceSettings,
        code_version: str,
    ):
        """Wires the export.

        Args:
          model: the Model that will be judged and pushed.
          sequence_models: the sequence trainer's.
          settings: the variants, and what each file must show.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            OnDeviceExporterSpec(
                model=model,
                sequence_models=sequence_models,
                settings=settings.model_dump_json(),
                code_version=code_version,
                exported_model=types.Channel(type=standard_artifacts.Model),
            )
        )
