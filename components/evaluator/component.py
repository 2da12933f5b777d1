"""The Evaluator of the pipeline: TFX's, with the anomalies of the data as a further input."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs
from tfx.utils import json_utils

from components.evaluator import eval_config, executor
from schemas.settings import GateSettings


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's interface, and the inputs and parameters of the gate."""

    PARAMETERS = standard_component_specs.EvaluatorSpec.PARAMETERS | {
        executor.GATE_KEY: component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.EvaluatorSpec.INPUTS | {
        executor.ANOMALIES_KEY: component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies)
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates a model on the evaluation split and blesses or refuses it.

    Outputs `evaluation` (TFMA's results and `verdict.json`) and `blessing`.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        anomalies: types.BaseChannel,
        schema: types.BaseChannel,
        settings: GateSettings,
        code_version: str,
    ):
        """Creates the step.

        Args:
          examples: Examples; the split `eval` is used, untransformed, since every model version reads raw examples.
          model: the Model to judge, with a signature `evaluate`.
          baseline_model: the last blessed Model, or an empty channel.
          anomalies: ExampleValidator's findings.
          schema: the Schema of the examples.
          settings: thresholds, slice floors and tolerances.
          code_version: changes whenever the code of this step does, so that no stale result is reused.
        """
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                anomalies=anomalies,
                schema=schema,
                eval_config=eval_config.build(settings),
                example_splits=json_utils.dumps(["eval"]),
                fairness_indicator_thresholds=json_utils.dumps(None),
                gate=settings.model_dump_json(),
                code_version=code_version,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
