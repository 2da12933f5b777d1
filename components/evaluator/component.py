"""The step that judges what a model serves."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.evaluator import executor
from schemas.settings import FeatureSettings, GateSettings


class EvaluatorSpec(component_spec.ComponentSpec):
    """Inputs: Examples, a Model, optionally the last blessed Model, anomalies; outputs: evaluation and blessing."""

    PARAMETERS = {
        executor.GATE_KEY: component_spec.ExecutionParameter(type=str),
        executor.FEATURES_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.BASELINE_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model, optional=True
        ),
        executor.ANOMALIES_KEY: component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }
    OUTPUTS = {
        standard_component_specs.EVALUATION_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation
        ),
        standard_component_specs.BLESSING_KEY: component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Judges a model by its answers for the evaluation split; outputs `evaluation` (`verdict.json`) and `blessing`."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        anomalies: types.BaseChannel,
        settings: GateSettings,
        features: FeatureSettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          examples: raw Examples with the splits `train`, which the baselines are fitted to, and `eval`.
          model: the Model to judge.
          baseline_model: the last blessed Model, or an empty channel.
          anomalies: ExampleValidator's findings.
          settings: the gate.
          features: the bounds of the slices.
          code_version: changes whenever the code of this step does, so that no stale result is reused.
        """
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                anomalies=anomalies,
                gate=settings.model_dump_json(),
                features=features.model_dump_json(include={"user_activity_bounds", "item_popularity_bounds"}),
                code_version=code_version,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
