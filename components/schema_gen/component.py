"""The step that imports the schema of the ratings."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.schema_gen import executor


class ImportSchemaGenSpec(standard_component_specs.ImportSchemaGenSpec):
    """TFX's interface and the version of the file."""

    PARAMETERS = standard_component_specs.ImportSchemaGenSpec.PARAMETERS | {
        "code_version": component_spec.ExecutionParameter(type=str)
    }


class ImportSchemaGen(base_component.BaseComponent):
    """TFX's ImportSchemaGen, which also runs again if the content of the file changes; output `schema`."""

    SPEC_CLASS = ImportSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: str, code_version: str):
        """Creates the step.

        Args:
          schema_file: name of a file of the package `schemas`, a Schema in text format.
          code_version: changes whenever the file does.
        """
        schema = types.Channel(type=standard_artifacts.Schema)
        super().__init__(ImportSchemaGenSpec(schema_file=schema_file, code_version=code_version, schema=schema))
