"""The Pusher of the pipeline."""

from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.pusher import executor


class PusherSpec(standard_component_specs.PusherSpec):
    """TFX's interface, the exporters' files, the evaluation and the code version."""

    PARAMETERS = standard_component_specs.PusherSpec.PARAMETERS | {
        "code_version": component_spec.ExecutionParameter(type=str)
    }
    INPUTS = (
        standard_component_specs.PusherSpec.INPUTS
        | {executor.EVALUATION_KEY: component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation)}
        | {
            key: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True)
            for key in executor.EXPORT_KEYS
        }
    )


class Pusher(base_component.BaseComponent):
    """Pushes a model with both blessings and its exports as the newest version; output `pushed_model`."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        tflite_models: types.BaseChannel,
        index: types.BaseChannel | None,
        on_device_models: types.BaseChannel | None,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        folder: Path,
        code_version: str,
    ):
        """Creates the step.

        Args:
          model: the Trainer's Model.
          tflite_models: artifact of the TFLiteExporter.
          index: artifact of the IndexExporter, or None without one.
          on_device_models: artifact of the OnDeviceExporter, or None without one.
          model_blessing: the Evaluator's ModelBlessing.
          infra_blessing: the canary's InfraBlessing.
          evaluation: the ModelEvaluation with the verdict, for the model card.
          folder: folder of the versions.
          code_version: changes whenever the code of this step does.
        """
        filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(folder))
        super().__init__(
            PusherSpec(
                model=model,
                tflite_models=tflite_models,
                index=index,
                on_device_models=on_device_models,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                push_destination=pusher_pb2.PushDestination(filesystem=filesystem),
                code_version=code_version,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
