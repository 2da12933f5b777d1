"""Reads the data files and writes an Examples artifact."""

import csv
import io
import json
import os
from collections.abc import Iterator
from typing import Any

from tfx import types
from tfx.components.example_gen import write_split
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.example_gen import flow
from components.example_gen.flow import Blocks
from components.example_gen.summary import check_enough, check_rejects
from components.example_gen.writing import Outputs, Sections
from recommender.sources.blocks import num_pieces, plan_blocks
from recommender.sources.data_files import locate_below
from recommender.sources.inference import Inferred, infer
from recommender.sources.rows import Note, Reject
from schemas.errors import DataError
from schemas.settings import DataSettings, FeatureSettings, SplitSettings

SPLITS = ["train", "eval", "users", "candidates"]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads the files of ratings or events, and of items, and writes tf.Examples."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits `train` and `eval` of rating examples, `users` and `candidates`.

        An example of `users` is a user with training events, and one of `candidates` is an item of the catalogue.

        Args:
          input_dict: empty.
          output_dict:
            - examples: `Split-<name>/data_tfrecord-*.gz`; `rejects.csv` (file, line, reason, value, content) lists the
              rows that cannot be used, at most 10,000 per block, and `summary.json` counts rows read and examples
              written. Sets the properties `split_names`, `payload_format`, `file_format` and, as numbers, `train_rows`,
              `eval_rows`, `candidate_rows`, `rejected_rows` and `repeats`.
          exec_properties:
            - input_base: folder of the files.
            - input_config: JSON of example_gen_pb2.Input with the splits `ratings`, `ratings-1`, ..., one for each
              pattern, and, if there is a file of them, `items`.
            - output_data_format, output_file_format: recorded on the artifact.
            - settings: JSON of the sections `data`, `split` and `features` of the settings.
            - output_config, custom_config, range_config, code_version: not used here.

        Raises:
          DataError: the data cannot be used. TFX then removes the artifact; if rows were the cause, their list
            remains next to it as `<artifact>-rejects.csv`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = _parse_sections(exec_properties["settings"])
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        examples.split_names = artifact_utils.encode_split_names(SPLITS)
        outputs = Outputs(
            splits={name: artifact_utils.get_split_uri([examples], name) for name in SPLITS},
            rejects=os.path.join(examples.uri, "rejects.csv"),
            summary=os.path.join(examples.uri, "summary.json"),
        )
        blocks = _plan(exec_properties, settings.data)
        with self._make_beam_pipeline() as pipeline:
            flow.build(pipeline, blocks, settings, outputs)
        summary = _check(examples, outputs, settings)
        _describe(examples, summary, exec_properties)


def _parse_sections(text: str) -> Sections:
    tree = json.loads(text)
    return Sections(
        DataSettings.model_validate(tree["data"]),
        SplitSettings.model_validate(tree["split"]),
        FeatureSettings.model_validate(tree["features"]),
    )


def _plan(exec_properties: dict[str, Any], data: DataSettings) -> Blocks:
    """Detects how the files are read; the driver has filled in the patterns' placeholders."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    folder = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    # Workers may have another working directory.
    base = folder if "://" in folder else os.path.abspath(folder)
    patterns = {split.name: split.pattern for split in config.splits}
    items = patterns.pop("items", None)
    files = locate_below(base, list(patterns.values()), items)
    ratings = infer(files.ratings, data, "ratings", base=base)
    described = infer(files.items, data, "items", ratings.item_name, base) if files.items else None
    return Blocks(
        notes=[note for inferred in (ratings, described) if inferred for note in _notes(inferred, base)],
        ratings=[block for layout in ratings.layouts for block in plan_blocks(layout)],
        items=[block for layout in described.layouts for block in plan_blocks(layout)] if described else [],
        num_shards=sum(map(num_pieces, ratings.layouts)),
    )


def _notes(inferred: Inferred, base: str) -> Iterator[Note]:
    """Yields what was noticed in whole files."""
    for path in inferred.empty:
        yield Note("empty-file", path.removeprefix(base).lstrip("/"), 0, "", 0)
    if inferred.by_order:
        first = inferred.layouts[0]
        yield Note("columns-by-order", first.file, 0, f"{first.column('user')}, {first.column('item')}", 0)
    for file, example in inferred.rounded.items():
        yield Note("times-rounded", file, 0, example, 0)


def _check(examples: types.Artifact, outputs: Outputs, settings: Sections) -> dict[str, Any]:
    """Returns the summary, if the data can be used."""
    with fileio.open(outputs.summary, "rb") as stream:
        summary = json.loads(stream.read())
    with fileio.open(outputs.rejects, "rb") as stream:
        rows = list(csv.reader(io.StringIO(stream.read().decode(), newline="")))
    rejects = [Reject(file, int(line), *rest) for file, line, *rest in rows[1:]]
    kept = f"{examples.uri.rstrip('/')}-rejects.csv"
    try:
        check_rejects(summary, rejects, settings.data.max_reject_share, kept)
    except DataError:
        fileio.copy(outputs.rejects, kept, overwrite=True)
        raise
    check_enough(summary, settings.data, settings.split)
    return summary


def _describe(examples: types.Artifact, summary: dict[str, Any], exec_properties: dict[str, Any]) -> None:
    examples_utils.set_payload_format(examples, exec_properties[standard_component_specs.OUTPUT_DATA_FORMAT_KEY])
    file_format = exec_properties[standard_component_specs.OUTPUT_FILE_FORMAT_KEY]
    examples_utils.set_file_format(examples, write_split.to_file_format_str(file_format))
    counts = {
        "train_rows": summary["splits"]["train"]["rows"],
        "eval_rows": summary["splits"]["eval"]["rows"],
        "candidate_rows": summary["splits"]["candidates"]["rows"],
        "rejected_rows": sum(file["rejected"] for file in summary["files"].values()),
        "repeats": sum(summary["repeats"].values()),
    }
    for name, count in counts.items():
        examples.set_int_custom_property(name, count)
