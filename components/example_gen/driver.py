"""The driver that finds the data files, and by their content whether an earlier result can be reused.

TFX's driver (1.16 to 1.21) compares sizes and times of change, and reads the folder's name as a pattern. Ours lets it
resolve `{SPAN}` and the like below a link to the folder, and replaces the fingerprint that it puts under
`FINGERPRINT_PROPERTY_NAME` into the properties, which the cache compares.
"""

import contextlib
from pathlib import Path
from typing import Any

from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from recommender.sources.fingerprint import fingerprint
from schemas.errors import DataError
from schemas.plain_path import plainly_named


class Driver(FileBasedDriver):
    """Finds the files of a span; the same names with the same content are the same input."""

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Fills in the placeholders of the patterns, and the fingerprint.

        Args:
          exec_properties: `input_base`, the folder of the files, and `input_config`, JSON of example_gen_pb2.Input.
          pipeline_info: not used.
          component_info: not used.

        Raises:
          DataError: the files have no span or version in common.
        """
        folder = exec_properties[standard_component_specs.INPUT_BASE_KEY]
        with _plainly_named(folder) as plain:
            given = {**exec_properties, standard_component_specs.INPUT_BASE_KEY: str(plain)}
            try:
                resolved = super().resolve_exec_properties(given, pipeline_info, component_info)
            except ValueError as error:
                raise DataError(f"{folder}: {error}; fix data.folder, data.ratings or data.items") from error
        config = example_gen_pb2.Input()
        proto_utils.json_to_proto(resolved[standard_component_specs.INPUT_CONFIG_KEY], config)
        return {
            **resolved,
            standard_component_specs.INPUT_BASE_KEY: folder,
            utils.FINGERPRINT_PROPERTY_NAME: fingerprint(folder, {one.name: one.pattern for one in config.splits}),
        }


def _plainly_named(folder: str) -> contextlib.AbstractContextManager[str | Path]:
    return contextlib.nullcontext(folder) if "://" in folder else plainly_named(folder)
