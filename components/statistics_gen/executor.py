"""Computes statistics of the events, on a sample where there are many."""

import logging
import os
from typing import Any

import apache_beam as beam
import tensorflow_data_validation as tfdv
from tfx import types
from tfx.components.statistics_gen.executor import DEFAULT_FILE_NAME, SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils
from tfx_bsl.tfxio.tf_example_record import TFExampleRecord

SPLITS = ("train", "eval")
MOST_ROWS = 100_000
"""Of a split with more rows, whole files with about as many are read, but at least one."""
_LOG = logging.getLogger("atalaya")


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the statistics of `train` and `eval` for ExampleValidator."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Computes the statistics.

        Args:
          input_dict: `examples`: raw Examples with the splits `train` and `eval`, and their numbers of rows as the
            properties `train_rows` and `eval_rows`.
          output_dict: `statistics`: ExampleStatistics in the format of TFX's StatisticsGen, whose property
            `sample_rate_by_split` gives the shares of the files that were read.
          exec_properties: not used.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        statistics = artifact_utils.get_single_instance(output_dict[standard_component_specs.STATISTICS_KEY])
        statistics.split_names, statistics.span = artifact_utils.encode_split_names(list(SPLITS)), examples.span
        shares = {}
        with self._make_beam_pipeline() as pipeline:
            for split in SPLITS:
                folder = artifact_utils.get_split_uri([examples], split)
                files = sorted(os.path.join(folder, name) for name in fileio.listdir(folder))
                sample = draw(files, examples.get_int_custom_property(f"{split}_rows"))
                shares[split] = len(sample) / len(files)
                if len(sample) < len(files):
                    _LOG.info("statistics of %s: of a sample, %d of %d files", split, len(sample), len(files))
                path = os.path.join(artifact_utils.get_split_uri([statistics], split), DEFAULT_FILE_NAME)
                _compute(pipeline, split, sample, path)
        statistics.set_json_value_custom_property(SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(shares))


def draw(files: list[str], num_rows: int) -> list[str]:
    """Returns the first of the files, about as many as have `MOST_ROWS` rows.

    A file has all events of users drawn by a hash, so some of the files are a sample of the users.

    Args:
      files: of the split, at least one.
      num_rows: in all files.
    """
    return files[: max(1, round(MOST_ROWS * len(files) / max(1, num_rows)))]


def _compute(pipeline: beam.Pipeline, split: str, files: list[str], path: str) -> None:
    """Adds the statistics of a split, written to `path`, to the pipeline."""
    (
        pipeline
        | f"Read[{split}]" >> TFExampleRecord(files, telemetry_descriptors=["StatisticsGen"]).BeamSource()
        | f"Generate[{split}]" >> tfdv.GenerateStatistics()
        | f"Write[{split}]" >> tfdv.WriteStatisticsToBinaryFile(path)
    )
