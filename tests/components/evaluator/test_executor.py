"""The Evaluator's `Do()` on real artifacts: a recommender with random vectors and events that it predicts."""

import copy
import functools
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, standard_artifacts

from benchmarks.synthetic import random_parts
from components.evaluator import executor, flow
from pipeline.engines import beam
from pipeline.remote import fetched
from recommender.models.bias_rating import BiasRating
from recommender.models.biases import Biases, fit_biases
from recommender.serving.export import save
from recommender.serving.recommender import Parts
from recommender.serving.saved_model import load_saved_model
from schemas import layout
from schemas import verdict as verdicts
from schemas.model_card import ModelCard
from schemas.settings import BeamSettings, FeatureSettings, GateSettings, ServingSettings

KNOWN, NEW, ITEMS = 60, 40, 50
"""Numbers of users with and without training events, and of items; the last item is unknown to the model."""
REMOTE = "ram:/"
"""Before an absolute path: its address in a file system that TensorFlow keeps in memory."""
Event = tuple[str, str, float]
SETTINGS = ServingSettings(rating_weight=0.1)
"""The random ratings would spoil the order, of new users above all."""


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Users have seen about eight items each; unknown users get the most popular ones."""
    parts = random_parts(num_users=KNOWN, num_items=ITEMS, width=4, seen=8)
    return parts._replace(fallback=np.log1p(np.bincount(parts.seen.values, minlength=ITEMS)).astype(np.float32))


@pytest.fixture(scope="module")
def held_out(parts: Parts) -> list[Event]:
    """Of known users three of their six best unseen items and a new one, with ratings near those predicted."""
    rng, events = np.random.default_rng(1), []
    scores = parts.queries[:-1] @ parts.candidates.T
    scores[parts.seen.rows, parts.seen.values] = -np.inf
    users = np.arange(KNOWN)
    ratings = tf.clip_by_value(parts.rater.rate(np.repeat(users, ITEMS), np.tile(np.arange(ITEMS), KNOWN)), 1, 5)
    ratings = np.reshape(ratings, (KNOWN, ITEMS)) + rng.normal(0, 0.1, (KNOWN, ITEMS))
    for user in users:
        best = np.argsort(-scores[user])[:6]
        events += [(f"u{user}", f"i{item}", float(ratings[user, item])) for item in rng.choice(best, 3, replace=False)]
        events.append((f"u{user}", "unheard of", 3.0))
    shares = np.bincount(parts.seen.values, minlength=ITEMS) / len(parts.seen.values)
    for user in range(NEW):
        events += [(f"new{user}", f"i{item}", 3.0) for item in rng.choice(ITEMS, 3, replace=False, p=shares)]
    return events


@pytest.fixture(scope="module")
def train(parts: Parts) -> list[Event]:
    rng = np.random.default_rng(2)
    return [
        (f"u{user}", f"i{item}", float(rng.integers(1, 6)))
        for user, item in zip(parts.seen.rows, parts.seen.values, strict=True)
    ]


def _write(split: Path, events: list[Event], is_rated: bool) -> None:
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for user, item, rating in events:
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
                for name, text in (("user_id", user), ("item_id", item))
            }
            if is_rated:
                feature["rating"] = tf.train.Feature(float_list=tf.train.FloatList(value=[rating]))
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def _biases(train: list[Event]) -> Biases:
    user, item, rating = (np.array(column) for column in zip(*train, strict=True))
    indices = (np.array([int(id_[1:]) for id_ in ids]) for ids in (user, item))
    return fit_biases(*indices, rating, KNOWN, ITEMS)


@pytest.fixture(scope="module")
def models(
    parts: Parts, train: list[Event], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], standard_artifacts.Model]:
    """Exports once: the model, one that has lost half of its vectors' columns, one without ratings, one with biases."""
    changes = {
        "good": {},
        "worse": {"queries": parts.queries * np.array([1, 1, 0, 0], np.float32)},
        "lists": {"rater": None, "biases": None, "scale": None},
        "biases": {"rater": BiasRating(_biases(train))},
    }
    choices = {"biases": {"rating_model": "biases", "rating_weight": 0.0}}
    folder = tmp_path_factory.mktemp("models")
    card = ModelCard.model_validate_json((Path(__file__).parents[2] / "model_card.json").read_text())

    @functools.cache
    def exported(name: str) -> standard_artifacts.Model:
        changed = parts._replace(**changes[name])
        save(changed, str(folder / name / "Format-Serving"), SETTINGS)
        data = card.training.data.model_copy(update={"rating_scale": changed.scale})
        chosen = card.training.chosen.model_copy(update=choices.get(name, {}))
        path = folder / name / "Format-Serving" / layout.TRAINING_RECORD
        path.parent.mkdir(exist_ok=True)
        path.write_text(card.training.model_copy(update={"data": data, "chosen": chosen}).model_dump_json())
        artifact = standard_artifacts.Model()
        artifact.uri, artifact.id = str(folder / name), 7
        return artifact

    return exported


def _anomalies(folder: Path, text: str) -> standard_artifacts.ExampleAnomalies:
    split = folder / "Split-train"
    split.mkdir(parents=True)
    anomalies = text_format.Parse(text, anomalies_pb2.Anomalies())
    (split / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(folder)
    artifact.split_names = '["train"]'
    return artifact


@pytest.fixture
def evaluate(tmp_path, train, held_out, models) -> Callable[..., verdicts.Verdict]:
    return functools.partial(_evaluate, tmp_path, train, held_out, models)


def _evaluate(
    tmp_path: Path,
    train: list[Event],
    held_out: list[Event],
    models: Callable[[str], standard_artifacts.Model],
    gate: dict,
    anomalies: str = "",
    model: str = "good",
    last_blessed: str = "",
    is_rated: bool = True,
    is_remote: bool = False,
) -> verdicts.Verdict:
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path / "examples"), '["train", "eval"]'
    for name, events in (("train", train), ("eval", held_out)):
        _write(tmp_path / "examples" / f"Split-{name}", events, is_rated)
    inputs = {
        "examples": [examples],
        "model": [models(model)],
        "anomalies": [_anomalies(tmp_path / "anomalies", anomalies)],
    }
    if last_blessed:
        inputs["baseline_model"] = [models(last_blessed)]
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(tmp_path / "evaluation"), str(tmp_path / "blessing")
    if is_remote:
        inputs = {name: [_copied(artifact) for artifact in artifacts] for name, artifacts in inputs.items()}
        evaluation.uri = REMOTE + evaluation.uri
    properties = {
        "gate": GateSettings.model_validate(gate).model_dump_json(),
        "features": FeatureSettings().model_dump_json(),
    }
    context = BaseBeamExecutor.Context(beam_pipeline_args=beam.arguments(BeamSettings()), tmp_dir=str(tmp_path))
    executor.Executor(context).Do(inputs, {"evaluation": [evaluation], "blessing": [blessing]}, properties)
    if is_remote:
        evaluation = fetched({"evaluation": [evaluation]}, tmp_path / "fetched")["evaluation"][0]
    assert [path.name for path in Path(evaluation.uri).iterdir()] == ["verdict.json"]
    verdict = verdicts.read(evaluation.uri)
    # The forms in which TFX keeps a blessing must agree with the verdict.
    assert blessing.get_int_custom_property("blessed") == verdict.blessed
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("judged_model") == "7"
    files = [path.name for path in Path(blessing.uri).iterdir()]
    assert files == (["BLESSED"] if verdict.blessed else ["NOT_BLESSED"])
    return verdict


def _copied(artifact: Artifact) -> Artifact:
    """Returns the artifact with a copy of its files in memory, where only TensorFlow finds them."""
    copied = copy.deepcopy(artifact)
    copied.uri = REMOTE + artifact.uri
    for path in Path(artifact.uri).rglob("*"):
        if path.is_file():
            tf.io.gfile.makedirs(REMOTE + str(path.parent))
            tf.io.gfile.copy(str(path), REMOTE + str(path), overwrite=True)
    return copied


def test_the_figures_are_those_of_the_exported_signatures(evaluate, models, held_out):
    verdict = evaluate({})
    assert verdict.blessed, verdict.reasons
    signatures = tf.saved_model.load(f"{models('good').uri}/Format-Serving").signatures
    for name, prefix in (("recommend", ""), ("retrieve", "retrieve_")):
        found = {group: [] for group in ("", "user=known", "user=new")}
        for user in dict.fromkeys(user for user, *_ in held_out):
            shown = _all_inputs(signatures[name], user_id=[user], k=100)["item_id"].numpy()[0]
            ranks = [
                list(shown).index(item.encode()) for other, item, _ in held_out if other == user and item[0] == "i"
            ]
            size = sum(other == user for other, *_ in held_out)
            ideal = sum(1 / math.log2(place + 2) for place in range(size))
            ndcg = sum(1 / math.log2(rank + 2) for rank in ranks if rank < 10) / ideal
            for group in ("", "user=new" if user.startswith("new") else "user=known"):
                found[group].append((ndcg, sum(rank < 100 for rank in ranks) / size, 1 / (1 + min(ranks))))
        for group, rows in found.items():
            measured = [
                verdict.value(f"{prefix}{name}", group).value for name in ("ndcg_at_10", "recall_at_100", "mrr")
            ]
            assert measured == pytest.approx(np.mean(rows, axis=0))
            assert verdict.value("evaluated_users", group).value == len(rows)
    users, items, given = zip(*held_out, strict=True)
    rated = _all_inputs(signatures["rate"], user_id=users, item_id=items)["rating"].numpy()
    assert verdict.value("rmse").value == pytest.approx(np.sqrt(np.mean((rated - np.array(given, np.float32)) ** 2)))


def _all_inputs(signature, **given) -> dict[str, tf.Tensor]:
    """Calls a signature with each input: those given, and the defaults that are documented for the others."""
    defaults = {"n_candidates": SETTINGS.n_candidates, "rating_weight": SETTINGS.rating_weight}
    inputs = {}
    for name, spec in signature.structured_input_signature[1].items():
        value = given.get(name, defaults.get(name))
        empty = tf.zeros([0] * spec.shape.rank, spec.dtype) if spec.dtype != tf.string else None
        if value is not None:
            inputs[name] = tf.constant(value, spec.dtype)
        else:
            inputs[name] = tf.constant([], tf.string, [0] * spec.shape.rank) if empty is None else empty
    return signature(**inputs)


def test_remote_artifacts_are_judged_at_their_addresses(evaluate, tmp_path):
    """Beam's workers on other machines do not see this one's folders, so nothing is copied here first."""
    local = evaluate({}, last_blessed="worse")
    for folder in ("examples", "anomalies", "blessing"):
        shutil.rmtree(tmp_path / folder)
    assert evaluate({}, last_blessed="worse", is_remote=True) == local


def test_of_many_users_a_sample_is_judged_and_the_verdict_says_so(evaluate, held_out):
    verdict = evaluate({"max_users": 20, "min_users": 5})
    assert verdict.value("evaluated_users").value == 20
    assert f"20 of {len({user for user, *_ in held_out})} evaluated users were drawn, seed 0" in verdict.notes


def test_thresholds_floors_of_slices_and_ends_of_intervals_refuse(evaluate):
    gate = {
        "thresholds": {"ndcg_at_10": {"at_least": 0.99}, "recall_at_100": {"lower_at_least": 0.98}},
        "slices": [{"feature": "user", "value": "new", "metric": "ndcg_at_10", "upper_at_most": 0.01}],
        "max_fallback_share": 0.3,
    }
    reasons = evaluate(gate).reasons
    beginnings = ("lists that fall back", "NDCG@10 is 0.", "recall@100 has an interval from", "NDCG@10 on user=new has")
    assert len(reasons) == 4
    assert all(reason.startswith(words) for reason, words in zip(reasons, beginnings, strict=True)), reasons
    assert reasons[0].endswith("is 0.4, must be <= 0.3")


def test_a_slice_that_no_event_is_in_refuses(evaluate):
    floor = {"feature": "user_activity", "value": "200+", "metric": "rmse", "at_most": 9}
    [reason] = evaluate({"slices": [floor]}).reasons
    assert reason == "RMSE on user_activity=200+ must be <= 9, but it was not computed"


def test_an_anomaly_forbids_blessing_though_all_rules_are_met(evaluate):
    anomaly = 'anomaly_info { key: "rating" value { description: "Some values are out of domain" } }'
    verdict = evaluate({}, anomalies=anomaly)
    assert not verdict.blessed
    assert verdict.anomalies == ("train, rating: Some values are out of domain",)


@pytest.mark.parametrize(("last_blessed", "model", "is_worse"), [("worse", "good", False), ("good", "worse", True)])
def test_it_is_compared_with_the_last_blessed_model_user_by_user(evaluate, last_blessed, model, is_worse):
    verdict = evaluate({}, last_blessed=last_blessed, model=model)
    assert verdict.compared_with_baseline
    record = verdict.value("ndcg_at_10")
    assert record.change_lower < record.change < record.change_upper
    assert (record.change < 0) == is_worse and verdict.value("rmse").change == 0
    declined = [reason for reason in verdict.reasons if reason.startswith("NDCG@10 changed by -")]
    assert len(declined) == is_worse


def test_a_model_without_ratings_is_judged_by_its_lists(evaluate):
    verdict = evaluate({"thresholds": {"rmse": {"at_most": 1.0}}}, model="lists", is_rated=False)
    assert verdict.reasons == (
        "RMSE must be <= 1, but the model was trained on events without ratings and predicts none; remove this rule "
        "from [gate]",
    )
    metrics = {record.metric for record in verdict.metrics}
    assert "ndcg_at_10" in metrics and not metrics & {"rmse", "bias_mae", "lift_over_bias", "liked_ndcg_at_10"}


def test_one_process_loads_each_model_once(evaluate, models, monkeypatch):
    flow._load.cache_clear()
    loaded = []
    monkeypatch.setattr(flow, "load_saved_model", lambda folder: loaded.append(folder) or load_saved_model(folder))
    evaluate({}, last_blessed="worse")
    assert loaded == [Path(models(name).uri) / "Format-Serving" for name in ("good", "worse")]


@pytest.mark.parametrize(("last_blessed", "model"), [("lists", "good"), ("good", "lists")])
def test_only_lists_are_compared_if_one_of_two_models_predicts_no_ratings(evaluate, last_blessed, model):
    verdict = evaluate({}, last_blessed=last_blessed, model=model)
    assert not any(record.change is not None for record in verdict.metrics if "rmse" in record.metric)
    assert verdict.value("ndcg_at_10").change is not None
    assert (verdict.value("rmse") is not None) == (model == "good")
    assert verdict.not_compared.endswith("only their lists were compared")


def test_a_second_stage_of_biases_does_not_refuse_and_is_reported(evaluate):
    verdict = evaluate({}, model="biases")
    assert verdict.blessed, verdict.reasons
    assert "user and item biases predict the ratings" in verdict.notes[0]
    assert "`recommend` orders by the retrieval score alone" in verdict.notes[1]
    assert verdict.value("lift_over_bias").value == pytest.approx(0, abs=1e-6)


def test_too_few_users_are_refused(evaluate):
    verdict = evaluate({"min_users": KNOWN + NEW + 1})
    assert verdict.reasons == ("evaluated users is 100, must be >= 101",)
    assert len(verdict.notes) >= 2 and "too few to judge them separately" in verdict.notes[0]
