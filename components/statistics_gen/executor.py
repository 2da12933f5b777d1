"""Computes statistics of the events, on a sample where there are many."""

import logging
import os
from typing import Any, NamedTuple

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
"""Of a split with more rows, a sample of about as many is read."""
_LOG = logging.getLogger("atalaya")


class Sample(NamedTuple):
    """What is read of a split: whole files, and a share of their rows in (0, 1]. share: the same of all rows."""

    files: list[str]
    rate: float
    share: float


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
            `sample_rate_by_split` gives the shares of the rows.
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
                if sample.share < 1:
                    _LOG.info("statistics of %s: of a sample, %.2g %% of the rows", split, 100 * sample.share)
                path = os.path.join(artifact_utils.get_split_uri([statistics], split), DEFAULT_FILE_NAME)
                _compute(pipeline, split, sample, path)
                shares[split] = sample.share
        statistics.set_json_value_custom_property(SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(shares))


def draw(files: list[str], num_rows: int) -> Sample:
    """Chooses a sample of about `MOST_ROWS` rows: the first files, which hold all events of users drawn by a hash.

    Args:
      files: of the split, at least one.
      num_rows: in all files.
    """
    in_file = num_rows / len(files)
    first = files[: max(1, int(MOST_ROWS / max(in_file, 1)))]
    rate = min(1.0, MOST_ROWS / max(in_file * len(first), 1))
    return Sample(first, rate, rate * len(first) / len(files))


def _compute(pipeline: beam.Pipeline, split: str, sample: Sample, path: str) -> None:
    """Adds the statistics of a split, written to `path`, to the pipeline."""
    source = TFExampleRecord(sample.files, telemetry_descriptors=["StatisticsGen"])
    (
        pipeline
        | f"Read[{split}]" >> source.BeamSource()
        | f"Generate[{split}]" >> tfdv.GenerateStatistics(tfdv.StatsOptions(sample_rate=sample.rate))
        | f"Write[{split}]" >> tfdv.WriteStatisticsToBinaryFile(path)
    )
