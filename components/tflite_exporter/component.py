"""The step that converts a model's ranking and retrieval to TFLite."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.tflite_exporter import executor
from schemas.settings import ExportSettings


class TFLiteExporterSpec(component_spec.ComponentSpec):
    """Inputs: a Model and Examples; output: its TFLite models."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {executor.TFLITE_MODELS_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class TFLiteExporter(base_component.BaseComponent):
    """Converts ranking and retrieval and verifies them without TensorFlow; output `tflite_models`."""

    SPEC_CLASS = TFLiteExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        settings: ExportSettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          model: the Trainer's Model.
          examples: raw Examples with a split `eval`.
          settings: the variants and the maximum difference.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            TFLiteExporterSpec(
                model=model,
                examples=examples,
                settings=settings.model_dump_json(include={"tflite_tolerance", "tflite_variants"}),
                code_version=code_version,
                tflite_models=types.Channel(type=standard_artifacts.Model),
            )
        )
