"""TFX's ImportSchemaGen for a file of the installed package."""

from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.schema_gen.import_schema_gen import executor as tfx_executor
from tfx.types import standard_component_specs

import schemas


class Executor(tfx_executor.Executor):
    """Finds the file where the step runs: paths on the compiling machine are not valid in a container."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the schema.

        Args:
          input_dict: empty.
          output_dict: `schema`: the Schema.
          exec_properties: `schema_file`: name of the file in the package `schemas`.
        """
        key = standard_component_specs.SCHEMA_FILE_KEY
        path = Path(schemas.__file__).parent / exec_properties[key]
        super().Do(input_dict, output_dict, exec_properties | {key: str(path)})
