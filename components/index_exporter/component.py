"""The step that builds an approximate index of a model's candidates."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.index_exporter import executor
from schemas.settings import IndexSettings


class IndexExporterSpec(component_spec.ComponentSpec):
    """Inputs: a Model and Examples; output: an approximate index of the candidates."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {executor.INDEX_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class IndexExporter(base_component.BaseComponent):
    """Builds the index, compares it with exact retrieval and exports it if it passes its gate; output `index`."""

    SPEC_CLASS = IndexExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, model: types.BaseChannel, examples: types.BaseChannel, settings: IndexSettings, code_version: str
    ):
        """Creates the step.

        Args:
          model: the Trainer's Model.
          examples: raw Examples with the splits `candidates` and `train`.
          settings: how the index is built, and its minimum recall and maximum latency.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            IndexExporterSpec(
                model=model,
                examples=examples,
                settings=settings.model_dump_json(),
                code_version=code_version,
                index=types.Channel(type=standard_artifacts.Model),
            )
        )
