"""The Evaluator's `Do()` on real artifacts, with models whose answers stand in the examples themselves."""

import json
import math
import shutil
from functools import partial
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

import schemas
import semaphores
from components.evaluator import eval_config, executor
from pipeline.engines import beam
from schemas import layout
from schemas import signatures as names
from schemas import verdict as verdicts
from schemas.model_card import ModelCard
from schemas.settings import BeamSettings, GateSettings

pytestmark = semaphores.needed

# rank, popularity's rank, rating, bias's rating, rating given, user activity
EXAMPLES = [
    (1.0, 5.0, 4.0, 3.5, 4.0, "1-9"),
    (2.0, 20.0, 3.0, 3.5, 2.0, "1-9"),
    (40.0, 1.0, 2.0, 3.5, 2.0, "10-49"),
    (3.0, 60.0, 5.0, 3.5, 5.0, "10-49"),
]
COPIES = 50
"""The same examples over and over leave the means as they are and make the intervals tight."""
_FLOATS = (names.RANK, names.POPULARITY_RANK, "predicted", names.BIAS_RATING, names.RATING)


class _Told(tf.Module):
    """Answers what the example says, its ranks worse by `worse`; ratings only if `is_rated`."""

    def __init__(self, worse: float, is_rated: bool):
        super().__init__()
        self._worse, self._is_rated = worse, is_rated

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, names.EXAMPLES)])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {name: tf.io.FixedLenFeature([1], tf.float32) for name in _FLOATS if name != names.RATING}
        parsed = tf.io.parse_example(examples, features)
        ranks = {
            names.RANK: parsed[names.RANK] + self._worse,
            names.POPULARITY_RANK: parsed[names.POPULARITY_RANK],
        }
        if not self._is_rated:
            return ranks
        return ranks | {names.RATING: parsed["predicted"], names.BIAS_RATING: parsed[names.BIAS_RATING]}


def _model(folder: Path, card: ModelCard, worse: float = 0.0, is_rated: bool = True) -> standard_artifacts.Model:
    module = _Told(worse, is_rated)
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures={names.EVALUATE: module.evaluate})
    data = card.training.data.model_copy(update={"rating_scale": (1.0, 5.0) if is_rated else None})
    record = card.training.model_copy(update={"data": data})
    path = folder / "Format-Serving" / layout.TRAINING_RECORD
    path.parent.mkdir(exist_ok=True)
    path.write_text(record.model_dump_json())
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


def _examples(tmp_path: Path, rated: list[bool]) -> standard_artifacts.Examples:
    """The examples, of which those have a rating for which `rated` is true."""
    split = tmp_path / "examples" / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for (*numbers, activity), is_rated in list(zip(EXAMPLES, rated, strict=True)) * COPIES:
            feature = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[number]))
                for name, number in zip(_FLOATS, numbers, strict=True)
            }
            if not is_rated:
                feature[names.RATING] = tf.train.Feature()
            for name, text in ((names.USER_ACTIVITY, activity), (names.ITEM_POPULARITY, "0")):
                feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = '["eval"]'
    artifact.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    artifact.set_string_custom_property("file_format", "tfrecords_gzip")
    return artifact


@pytest.fixture
def examples(tmp_path: Path) -> standard_artifacts.Examples:
    return _examples(tmp_path, [True] * len(EXAMPLES))


@pytest.fixture
def evaluate(tmp_path: Path, examples: standard_artifacts.Examples, model_card: ModelCard) -> partial:
    return partial(_evaluate, tmp_path, model_card, examples)


def _anomalies(folder: Path, text: str) -> standard_artifacts.ExampleAnomalies:
    split = folder / "Split-train"
    split.mkdir(parents=True)
    anomalies = text_format.Parse(text, anomalies_pb2.Anomalies())
    (split / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(folder)
    artifact.split_names = '["train"]'
    return artifact


def _evaluate(
    tmp_path: Path,
    card: ModelCard,
    examples: standard_artifacts.Examples,
    gate: dict,
    anomalies: str = "",
    baseline_worse: float | None = None,
    is_rated: bool = True,
    is_baseline_rated: bool = True,
) -> verdicts.Verdict:
    settings = GateSettings.model_validate(gate)
    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path / "schema")
    (tmp_path / "schema").mkdir()
    shutil.copy(Path(schemas.__file__).parent / "ratings.pbtxt", tmp_path / "schema" / "schema.pbtxt")
    inputs = {
        "schema": [schema],
        "examples": [examples],
        "model": [_model(tmp_path / "model", card, is_rated=is_rated)],
        "anomalies": [_anomalies(tmp_path / "anomalies", anomalies)],
    }
    if baseline_worse is not None:
        inputs["baseline_model"] = [_model(tmp_path / "baseline", card, baseline_worse, is_baseline_rated)]
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
    properties = {
        "eval_config": proto_utils.proto_to_json(eval_config.build(settings)),
        "example_splits": json.dumps(["eval"]),
        "gate": settings.model_dump_json(),
    }
    context = BaseBeamExecutor.Context(beam_pipeline_args=beam.arguments(BeamSettings()), tmp_dir=str(tmp_path))
    executor.Executor(context).Do(inputs, {"evaluation": [evaluation], "blessing": [blessing]}, properties)
    verdict = verdicts.read(evaluation.uri)
    # The two forms in which TFX keeps a blessing must agree with the verdict.
    assert blessing.get_int_custom_property("blessed") == verdict.blessed
    assert blessing.get_string_custom_property("judged_model") == str(inputs["model"][0].id)
    files = [path.name for path in Path(blessing.uri).iterdir()]
    assert files == (["BLESSED"] if verdict.blessed else ["NOT_BLESSED"])
    return verdict


def test_metrics_of_all_examples_and_of_slices(evaluate):
    verdict = evaluate(
        {"slices": [{"feature": "user_activity", "value": "10-49", "metric": "rmse", "at_most": 0.1}]},
    )
    assert verdict.blessed, verdict.reasons
    assert verdict.value("rmse").value == pytest.approx(0.5)
    assert verdict.value("rmse", "user_activity=1-9").value == pytest.approx(math.sqrt(0.5))
    assert verdict.value("rmse", "user_activity=10-49").value == 0
    # TFMA turns this slice's value into a number; its name stays.
    assert verdict.value("rmse", "item_popularity=0").value == pytest.approx(0.5)
    assert verdict.value("top_5_accuracy").value == 0.75
    assert verdict.value("popularity_top_5_accuracy", "user_activity=10-49").value == 0.5
    gain = (1 + 1 / math.log2(3) + 1 / math.log2(4)) / 4
    popularity_gain = (1 / math.log2(6) + 1) / 4
    lift = verdict.value("lift_over_popularity")
    assert lift.value == pytest.approx(gain - popularity_gain)
    assert lift.lower < lift.value < lift.upper
    assert not verdict.compared_with_baseline


def test_a_threshold_and_a_slice_floor_refuse(evaluate):
    floor = {"feature": "user_activity", "value": "1-9", "metric": "rmse", "at_most": 0.1}
    gate = {"thresholds": {"top_1_accuracy": {"at_least": 0.5}}, "slices": [floor]}
    assert evaluate(gate).reasons == (
        "top-1 accuracy is 0.25, must be >= 0.5",
        "RMSE on user_activity=1-9 is 0.7071, must be <= 0.1",
    )


def test_a_slice_that_no_example_is_in_refuses(evaluate):
    floor = {"feature": "user_activity", "value": "0", "metric": "rmse", "at_most": 9}
    [reason] = evaluate({"slices": [floor]}).reasons
    assert reason == "RMSE on user_activity=0 must be <= 9, but it was not computed"


def test_an_anomaly_forbids_blessing_though_all_thresholds_hold(evaluate):
    anomaly = 'anomaly_info { key: "rating" value { description: "Some values are out of domain" } }'
    verdict = evaluate({}, anomalies=anomaly)
    assert not verdict.blessed
    assert verdict.anomalies == ("train, rating: Some values are out of domain",)


@pytest.mark.parametrize(("baseline_worse", "blessed"), [(5.0, True), (-0.5, False)])
def test_it_is_compared_with_the_last_blessed_model(evaluate, baseline_worse, blessed):
    verdict = evaluate({"tolerances": {"mrr": 0.01}}, baseline_worse=baseline_worse)
    assert verdict.compared_with_baseline
    mrr = sum(1 / rank for rank, *_ in EXAMPLES) / 4
    baseline_mrr = sum(1 / (rank + baseline_worse) for rank, *_ in EXAMPLES) / 4
    assert verdict.value("mrr").change == pytest.approx(mrr - baseline_mrr)
    assert verdict.blessed == blessed, verdict.reasons
    if not blessed:
        assert any(reason.startswith("MRR changed by -") for reason in verdict.reasons)


def test_errors_of_ratings_are_means_over_the_examples_with_a_rating(tmp_path, model_card):
    verdict = _evaluate(tmp_path, model_card, _examples(tmp_path, [True, True, False, False]), {})
    assert verdict.value("rmse").value == pytest.approx(math.sqrt(0.5))
    assert verdict.value("top_5_accuracy").value == 0.75


@pytest.mark.parametrize("label", [True, False])
def test_a_model_without_ratings_is_judged_by_its_ranks(tmp_path, model_card, label):
    verdict = _evaluate(tmp_path, model_card, _examples(tmp_path, [label] * 4), {}, is_rated=False)
    assert verdict.blessed, verdict.reasons
    assert verdict.value("top_5_accuracy").value == 0.75
    assert not {record.metric for record in verdict.metrics} & {"rmse", "bias_mae", "lift_over_bias"}


def test_a_threshold_on_ratings_refuses_a_model_without_them(tmp_path, model_card):
    gate = {"thresholds": {"rmse": {"at_most": 1.0}}}
    verdict = _evaluate(tmp_path, model_card, _examples(tmp_path, [False] * 4), gate, is_rated=False)
    assert verdict.reasons == (
        "RMSE must be <= 1, but the model was trained on events without ratings and predicts none; remove this rule "
        "from [gate]",
    )


@pytest.mark.parametrize("is_rated", [True, False])
def test_of_two_models_only_one_of_which_predicts_ratings_the_ranks_are_compared(evaluate, is_rated):
    verdict = evaluate({}, baseline_worse=5.0, is_rated=is_rated, is_baseline_rated=not is_rated)
    assert verdict.blessed, verdict.reasons
    assert verdict.value("mrr").change > 0
    assert not [record for record in verdict.metrics if record.metric == "rmse" and record.change is not None]
    assert (verdict.value("rmse") is not None) == is_rated
    assert verdict.not_compared.endswith("only their ranks were compared")
