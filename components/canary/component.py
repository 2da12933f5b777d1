"""The step that tests an export in a process that has only TensorFlow, as the server will have."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.canary import executor
from schemas.settings import CanarySettings


class CanarySpec(component_spec.ComponentSpec):
    """Inputs: a Model, Examples and optionally an index; output: an InfraBlessing."""

    PARAMETERS = {
        executor.SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        executor.INDEX_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        standard_component_specs.BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)
    }


class Canary(base_component.BaseComponent):
    """Calls every signature with usual and hostile inputs and blesses or refuses the export; output `blessing`."""

    SPEC_CLASS = CanarySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        index: types.BaseChannel | None,
        settings: CanarySettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          model: the Model to test.
          examples: raw Examples with the splits `eval`, `train` and `candidates`, from which the requests are sampled.
          index: the approximate index of the model, None if none was built.
          settings: the maximum latency, the number of timed calls and the timeout.
          code_version: changes whenever the code of this step does.
        """
        super().__init__(
            CanarySpec(
                model=model,
                examples=examples,
                index=index,
                settings=settings.model_dump_json(),
                code_version=code_version,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
