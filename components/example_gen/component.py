"""The step that reads the files of events and items."""

import json

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import channel, component_spec, standard_artifacts, standard_component_specs

from components.example_gen.driver import Driver
from components.example_gen.executor import Executor
from recommender.sources.fingerprint import named_patterns
from schemas.settings import DataSettings, Settings

FEATURES_USED = {"user_activity_bounds", "item_popularity_bounds"}


class RatingsExampleGenSpec(component_spec.ComponentSpec):
    """The parameters of TFX's driver for files, the settings, and a version of the code for the cache."""

    PARAMETERS = {
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        "settings": component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }


class RatingsExampleGen(base_beam_component.BaseBeamComponent):
    """Turns files of events and items into tf.Examples in the splits `train`, `eval`, `users` and `candidates`.

    Component `outputs` contains:
     - `examples`: channel of type `standard_artifacts.Examples`.
    """

    SPEC_CLASS = RatingsExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, settings: Settings, code_version: str):
        """Creates the step.

        Args:
          settings: the sections `data` and `split` are used, and FEATURES_USED of `features`; other changes leave the
            cache valid.
          code_version: changes whenever the code of this step does, so that no stale result is reused.
        """
        used = {
            "data": settings.data.model_dump(mode="json"),
            "split": settings.split.model_dump(mode="json"),
            "features": settings.features.model_dump(mode="json", include=FEATURES_USED),
        }
        spec = RatingsExampleGenSpec(
            input_base=str(settings.data.folder),
            input_config=_input_config(settings.data),
            output_config=example_gen_pb2.Output(),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            settings=json.dumps(used, sort_keys=True),
            code_version=code_version,
            examples=channel.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec=spec)


def _input_config(data: DataSettings) -> example_gen_pb2.Input:
    """A split for each of `named_patterns`."""
    splits = [example_gen_pb2.Input.Split(name=name, pattern=text) for name, text in named_patterns(data).items()]
    return example_gen_pb2.Input(splits=splits)
