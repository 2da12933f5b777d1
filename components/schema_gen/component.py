"""The step that brings the schema in."""

from pathlib import Path

from tfx.components import ImportSchemaGen as TfxImportSchemaGen
from tfx.types import component_spec, standard_component_specs


class ImportSchemaGenSpec(standard_component_specs.ImportSchemaGenSpec):
    """TFX's interface and the version of the file."""

    PARAMETERS = standard_component_specs.ImportSchemaGenSpec.PARAMETERS | {
        "code_version": component_spec.ExecutionParameter(type=str)
    }


class ImportSchemaGen(TfxImportSchemaGen):
    """TFX's ImportSchemaGen, which by itself would not notice that the file has changed."""

    SPEC_CLASS = ImportSchemaGenSpec

    def __init__(self, schema_file: Path, code_version: str):
        """Wires the import.

        Args:
          schema_file: a Schema in text format.
          code_version: changes whenever the file does.
        """
        super().__init__(schema_file=str(schema_file))
        self.spec = ImportSchemaGenSpec(
            schema_file=str(schema_file), code_version=code_version, schema=self.spec.outputs["schema"]
        )
