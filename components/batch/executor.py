"""Writes the recommendations of a pushed model for all its users."""

import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_component_specs

from components.batch import flow
from components.batch.known_users import fingerprint, load
from components.batch.shards import SUCCESS, plan, prepare
from schemas.settings import BatchSettings

SETTINGS_KEY = "settings"
FOLDER_KEY = "folder"
CODE_VERSION_KEY = "code_version"
RECOMMENDATIONS_KEY = "recommendations"
_log = logging.getLogger("atalaya")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Computes each known user's best items with the pushed model, in Beam, and writes them as Parquet."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the files that are missing.

        They are written to the folder of the version, not of the artifact, which TFX recreates for every attempt, so
        that the files which an interrupted run completed are kept.

        Args:
          input_dict: `pushed_model`: PushedModel with the custom properties of the Pusher. A model that was not
            blessed was not pushed, and gets no recommendations.
          output_dict: `recommendations`: Recommendations with the custom properties `destination`, the folder of
            `shard-*.parquet` and `_SUCCESS`, `num_users` and `num_rows`, or without them if nothing is written.
          exec_properties: `settings`: JSON of `BatchSettings`; `folder`: folder that holds a folder for each version;
            `code_version`: files written by a different code version are rewritten.

        Raises:
          DataError: the pushed version cannot be loaded.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(input_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if pushed.get_int_custom_property("pushed") != 1:
            _log.warning("the model was not blessed and pushed: no recommendations are written")
            return
        model = Path(pushed.get_string_custom_property("pushed_destination"))
        settings = BatchSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        num_users = load(model, settings.k).num_users
        manifest = {
            "model": fingerprint(model),
            "num_users": num_users,
            "k": settings.k,
            "users_per_shard": settings.users_per_shard,
            "code_version": exec_properties[CODE_VERSION_KEY],
        }
        folder = Path(exec_properties[FOLDER_KEY]) / model.name
        num_rows = self._write(model, manifest, folder)
        recommendations = artifact_utils.get_single_instance(output_dict[RECOMMENDATIONS_KEY])
        recommendations.set_string_custom_property("destination", str(folder))
        recommendations.set_int_custom_property("num_users", num_users)
        recommendations.set_int_custom_property("num_rows", num_rows)

    def _write(self, model: Path, manifest: dict[str, Any], folder: Path) -> int:
        """Writes the missing files; returns the number of rows in all files."""
        prepare(folder, manifest)
        shards = plan(folder, manifest["num_users"], manifest["users_per_shard"])
        missing = [shard for shard in shards if not shard.path.exists()]
        if len(missing) < len(shards):
            _log.info("%d of %d files of recommendations already exist", len(shards) - len(missing), len(shards))
        if missing:
            with self._make_beam_pipeline() as pipeline:
                flow.build(pipeline, missing, model, manifest["k"])
        (folder / SUCCESS).touch()
        return sum(pq.read_metadata(shard.path).num_rows for shard in shards)
