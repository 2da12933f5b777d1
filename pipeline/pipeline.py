"""The wiring: data in at the top, a pushed model out at the bottom. It is the same on every platform."""

from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.components import ExampleValidator, Trainer, Transform
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import trainer_pb2, transform_pb2
from tfx.types import Channel
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelBlessing

import schemas
from components.batch.component import BatchRecommender
from components.canary.component import Canary
from components.evaluator.baseline import LatestOtherBlessedModelStrategy
from components.evaluator.component import Evaluator
from components.example_gen.component import RatingsExampleGen
from components.index_exporter.component import IndexExporter
from components.on_device_exporter.component import OnDeviceExporter
from components.pusher.component import Pusher
from components.schema_gen.component import ImportSchemaGen
from components.sequence_trainer.component import SequenceTrainer
from components.statistics_gen.component import StatisticsGen
from components.tflite_exporter.component import TFLiteExporter
from pipeline.code_version import code_version, file_version
from pipeline.engines import beam
from schemas.settings import Settings

_SCHEMA = "ratings.pbtxt"
_USERS, _CATALOGUE = "users", "candidates"
_PREPROCESSING = "components.transform.preprocessing"
_TRAINING = "components.trainer.run"
# The settings that a model depends on: a change to the gate or to a folder trains no new model.
_TRAINER_SETTINGS: dict[str, Any] = {
    "name": True,  # required, like the folder
    "data": {"folder", "rating_scale"},
    "split": True,
    "features": True,
    "retrieval": True,
    "ranking": True,
    "training": True,
    "serving": True,
}


def create_pipeline(
    settings: Settings, root: str, metadata: metadata_store_pb2.ConnectionConfig | None = None
) -> Pipeline:
    """The recommender's TFX pipeline.

    Args:
      settings: what to build.
      root: folder of the artifacts.
      metadata: connection to the metadata store, where the platform wants it from here.
    """
    # Ratings and items become examples: the splits train and eval, the known users, and the catalogue as candidates.
    examples = RatingsExampleGen(settings, code_version("components.example_gen.executor"))

    # The ratings, or a sample of many, are validated against the schema; an anomaly prevents the blessing.
    schema = ImportSchemaGen(_SCHEMA, file_version(Path(schemas.__file__).parent / _SCHEMA))
    statistics = StatisticsGen(examples.outputs["examples"], code_version("components.statistics_gen.executor"))
    validator = ExampleValidator(statistics.outputs["statistics"], schema.outputs["schema"])

    # Vocabularies are made from the known users and the catalogue, never from eval. Nothing is transformed: the Trainer
    # looks up the strings of the raw examples itself.
    transform = Transform(
        examples.outputs["examples"],
        schema.outputs["schema"],
        preprocessing_fn=f"{_PREPROCESSING}.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=[_USERS, _CATALOGUE]),
        materialize=False,
        custom_config={
            "settings": settings.features.model_dump_json(include={"title_words"}),
            "code_version": code_version(_PREPROCESSING),
        },
        disable_statistics=True,
        disable_analyzer_cache=True,
    )

    # Both models are fitted into one artifact. What TFX calls the eval split of a Trainer is the catalogue here: the
    # Trainer never sees the evaluation ratings.
    trainer = Trainer(
        run_fn=f"{_TRAINING}.run_fn",
        examples=examples.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=[_CATALOGUE]),
        custom_config={
            "settings": settings.model_dump_json(include=_TRAINER_SETTINGS),
            "code_version": code_version(_TRAINING),
        },
    )

    # Each exporter writes its own files; the Pusher puts them next to the model. An approximate index is optional.
    model = trainer.outputs["model"]
    index_exporter = IndexExporter(
        model,
        examples.outputs["examples"],
        settings.index,
        code_version("components.index_exporter.executor"),
    )
    index_exporters = [index_exporter] if settings.index.kind != "none" else []
    index = index_exporter.outputs["index"] if index_exporters else None
    tflite_exporter = TFLiteExporter(
        model,
        examples.outputs["examples"],
        settings.export,
        code_version("components.tflite_exporter.executor"),
    )

    # Also optional: small models of a user's latest events, trained from the same examples. Those that beat popularity
    # are exported, and of their smaller variants those that lose little.
    sequence_trainer = SequenceTrainer(
        examples.outputs["examples"],
        settings.on_device,
        settings.split,
        settings.training,
        code_version("components.sequence_trainer.executor"),
    )
    on_device_exporter = OnDeviceExporter(
        sequence_trainer.outputs["sequence_models"],
        settings.on_device,
        code_version("components.on_device_exporter.executor"),
    )
    on_device = [sequence_trainer, on_device_exporter] if settings.on_device.enabled else []

    # What the candidate serves is compared with baselines and with the last blessed model, for the same users.
    last_blessed = Resolver(
        strategy_class=LatestOtherBlessedModelStrategy,
        current=model,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        infra_blessing=Channel(type=InfraBlessing),
    ).with_id("LatestBlessedModel")
    evaluator = Evaluator(
        examples=examples.outputs["examples"],
        model=model,
        baseline_model=last_blessed.outputs["model"],
        anomalies=validator.outputs["anomalies"],
        settings=settings.gate,
        features=settings.features,
        code_version=code_version("components.evaluator.component"),
    )

    # The model is tested as it will be served: a process with TensorFlow alone calls every signature.
    canary = Canary(
        model,
        examples.outputs["examples"],
        index,
        settings.canary,
        code_version("components.canary.executor"),
    )

    # A model with both blessings becomes the newest version, with its exports and its model card.
    pusher = Pusher(
        model,
        tflite_exporter.outputs["tflite_models"],
        index,
        on_device_exporter.outputs["on_device_models"] if on_device else None,
        evaluator.outputs["blessing"],
        canary.outputs["blessing"],
        evaluator.outputs["evaluation"],
        (settings.export.serving / settings.name).absolute(),
        code_version("components.pusher.executor"),
    )

    # Optionally, the recommendations of the pushed model for all known users are written.
    batch = BatchRecommender(
        pusher.outputs["pushed_model"],
        settings.batch,
        (settings.batch.folder / settings.name).absolute(),
        code_version("components.batch.executor"),
    )

    return Pipeline(
        pipeline_name=settings.name,
        pipeline_root=root,
        components=[
            examples,
            schema,
            statistics,
            validator,
            transform,
            trainer,
            *index_exporters,
            tflite_exporter,
            *on_device,
            last_blessed,
            evaluator,
            canary,
            pusher,
            *([batch] if settings.batch.enabled else []),
        ],
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=beam.arguments(settings.beam),
    )
