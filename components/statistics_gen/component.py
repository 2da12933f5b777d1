"""The step that computes the statistics of the events."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.statistics_gen import executor


class StatisticsGenSpec(component_spec.ComponentSpec):
    """Input: Examples; output: ExampleStatistics."""

    PARAMETERS = {"code_version": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {
        standard_component_specs.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
    }


class StatisticsGen(base_beam_component.BaseBeamComponent):
    """TFX's StatisticsGen for the splits `train` and `eval`, on a sample of large ones; output `statistics`."""

    SPEC_CLASS = StatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, examples: types.BaseChannel, code_version: str):
        """Creates the step.

        Args:
          examples: raw Examples.
          code_version: changes whenever the code of this step does.
        """
        statistics = types.Channel(type=standard_artifacts.ExampleStatistics)
        super().__init__(StatisticsGenSpec(examples=examples, code_version=code_version, statistics=statistics))
