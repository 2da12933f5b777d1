"""The Evaluator's `Do()` on real artifacts, with models whose answers stand in the examples themselves."""

import json
import math
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

import semaphores
from components.evaluator import eval_config, executor
from pipeline.engines import beam
from schemas import signatures as names
from schemas import verdict as verdicts
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
    """Answers what the example says, its ranks worse by `worse`."""

    def __init__(self, worse: float):
        super().__init__()
        self._worse = worse

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, names.EXAMPLES)])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {name: tf.io.FixedLenFeature([1], tf.float32) for name in _FLOATS}
        parsed = tf.io.parse_example(examples, features)
        return {
            names.RANK: parsed[names.RANK] + self._worse,
            names.POPULARITY_RANK: parsed[names.POPULARITY_RANK],
            names.RATING: parsed["predicted"],
            names.BIAS_RATING: parsed[names.BIAS_RATING],
        }


def _model(folder: Path, worse: float = 0.0) -> standard_artifacts.Model:
    module = _Told(worse)
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures={names.EVALUATE: module.evaluate})
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


@pytest.fixture
def examples(tmp_path: Path) -> standard_artifacts.Examples:
    split = tmp_path / "examples" / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for *numbers, activity in EXAMPLES * COPIES:
            feature = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[number]))
                for name, number in zip(_FLOATS, numbers, strict=True)
            }
            for name, text in ((names.USER_ACTIVITY, activity), (names.ITEM_POPULARITY, "0")):
                feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri = str(tmp_path / "examples")
    artifact.split_names = '["eval"]'
    artifact.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    artifact.set_string_custom_property("file_format", "tfrecords_gzip")
    return artifact


def _anomalies(folder: Path, text: str) -> standard_artifacts.ExampleAnomalies:
    split = folder / "Split-train"
    split.mkdir(parents=True)
    anomalies = text_format.Parse(text, anomalies_pb2.Anomalies())
    (split / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(folder)
    artifact.split_names = '["train"]'
    return artifact


def _evaluate(tmp_path, examples, gate: dict, anomalies: str = "", baseline_worse: float | None = None):
    settings = GateSettings.model_validate(gate)
    inputs = {
        "examples": [examples],
        "model": [_model(tmp_path / "model")],
        "anomalies": [_anomalies(tmp_path / "anomalies", anomalies)],
    }
    if baseline_worse is not None:
        inputs["baseline_model"] = [_model(tmp_path / "baseline", baseline_worse)]
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


def test_metrics_of_all_examples_and_of_slices(tmp_path, examples):
    verdict = _evaluate(
        tmp_path,
        examples,
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


def test_a_threshold_and_a_slice_floor_refuse(tmp_path, examples):
    floor = {"feature": "user_activity", "value": "1-9", "metric": "rmse", "at_most": 0.1}
    gate = {"thresholds": {"top_1_accuracy": {"at_least": 0.5}}, "slices": [floor]}
    assert _evaluate(tmp_path, examples, gate).reasons == (
        "top-1 accuracy is 0.25, must be >= 0.5",
        "RMSE on user_activity=1-9 is 0.7071, must be <= 0.1",
    )


def test_a_slice_that_no_example_is_in_refuses(tmp_path, examples):
    floor = {"feature": "user_activity", "value": "0", "metric": "rmse", "at_most": 9}
    [reason] = _evaluate(tmp_path, examples, {"slices": [floor]}).reasons
    assert reason == "RMSE on user_activity=0 must be <= 9, but it was not computed"


def test_an_anomaly_forbids_blessing_though_all_thresholds_hold(tmp_path, examples):
    anomaly = 'anomaly_info { key: "rating" value { description: "Some values are out of domain" } }'
    verdict = _evaluate(tmp_path, examples, {}, anomalies=anomaly)
    assert not verdict.blessed
    assert verdict.anomalies == ("train, rating: Some values are out of domain",)


@pytest.mark.parametrize(("baseline_worse", "blessed"), [(5.0, True), (-0.5, False)])
def test_it_is_compared_with_the_last_blessed_model(tmp_path, examples, baseline_worse, blessed):
    verdict = _evaluate(tmp_path, examples, {"tolerances": {"mrr": 0.01}}, baseline_worse=baseline_worse)
    assert verdict.compared_with_baseline
    mrr = sum(1 / rank for rank, *_ in EXAMPLES) / 4
    baseline_mrr = sum(1 / (rank + baseline_worse) for rank, *_ in EXAMPLES) / 4
    assert verdict.value("mrr").change == pytest.approx(mrr - baseline_mrr)
    assert verdict.blessed == blessed, verdict.reasons
    if not blessed:
        assert any(reason.startswith("MRR changed by -") for reason in verdict.reasons)
