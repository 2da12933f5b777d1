import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from small_sequence_model import IDS, K, SmallSequenceModel, follower_scores, write
from tfx.types import standard_artifacts

from components.on_device_exporter import executor
from recommender.tflite import verify
from schemas import layout, on_device_record
from schemas.on_device_record import OnDeviceRecord


def _do(tmp_path: Path, names: list[str], **settings: object) -> tuple[Path, dict[str, OnDeviceRecord]]:
    sequences, exported = standard_artifacts.Model(), standard_artifacts.Model()
    sequences.uri, exported.uri = str(tmp_path / "sequences"), str(tmp_path / "exported")
    executor.Executor().Do(
        {"sequence_models": [sequences]},
        {"on_device_models": [exported]},
        {"settings": json.dumps({"models": [{"name": name} for name in names], **settings})},
    )
    folder = tmp_path / "exported"
    return folder, {record.name: record for record in on_device_record.read(folder)}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, OnDeviceRecord]]:
    """A good model in all variants."""
    folder = tmp_path_factory.mktemp("run")
    write(folder / "sequences" / "Format-Serving" / "good", SmallSequenceModel(follower_scores()))
    return _do(folder, ["good"], variants=["float32", "float16", "dynamic_range", "int8"], max_recall_loss=0.1)


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, OnDeviceRecord]]:
    """Exports a model that recommends items that no user chooses, and one whose table loses its values in 8 bits."""
    folder = tmp_path_factory.mktemp("run")
    models = folder / "sequences" / "Format-Serving"
    write(models / "bad", SmallSequenceModel(follower_scores(step=20)))
    write(models / "wide", SmallSequenceModel(follower_scores(outlier=1e4)))
    return _do(folder, ["bad", "wide"], variants=["float32", "dynamic_range"])


def test_what_passes_is_there_and_nothing_else(
    exported: tuple[Path, dict[str, OnDeviceRecord]], partly: tuple[Path, dict[str, OnDeviceRecord]]
) -> None:
    good, others = ({path.name for path in (model / layout.ON_DEVICE).iterdir()} for model, _ in (exported, partly))
    variants = ("good.tflite", "good.float16.tflite", "good.dynamic_range.tflite", "good.int8.tflite")
    assert good == {*variants, "good.json", "items.json", "on_device.json"}
    assert others == {"wide.tflite", "bad.json", "wide.json", "items.json", "on_device.json"}
    items = json.loads((exported[0] / layout.ON_DEVICE / "items.json").read_text())
    assert [item["id"] for item in items] == IDS and items[1]["title"] == "Title i2"


def test_a_file_answers_as_its_description_says(exported: tuple[Path, dict[str, OnDeviceRecord]]) -> None:
    folder, records = exported[0] / layout.ON_DEVICE, exported[1]
    for variant in records["good"].exported:
        content = (folder / variant.file).read_bytes()
        assert (variant.bytes, variant.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        declared = variant.signatures["recommend"]
        assert {name: (tensor["dtype"], tensor["shape"]) for name, tensor in declared["inputs"].items()} == {
            "context_item": ("int32", [1, 4])
        }
        assert {name: (tensor["dtype"], tensor["shape"]) for name, tensor in declared["outputs"].items()} == {
            "item": ("int32", [K]),
            "score": ("float32", [K]),
        }
        assert variant.latency_us and variant.latency_us > 0 and variant.matmul_us and variant.matmul_us > 0
        assert not any("FLEX" in name.upper() for name in variant.operators)
        calls = [{"context_item": np.array([[7, 5, 0, 0]], np.int32)}]
        [answer] = verify.check(folder / variant.file, "recommend", calls)["outputs"]
        # The items after 5, without 7; in 8 bits they change places.
        first = [6, 8, 9, 10]
        assert answer["item"].tolist()[:4] == first or variant.variant == "int8"
        assert 6 in answer["item"] and not {0, 5, 7} & set(answer["item"])
    histories = [{"history_item_id": np.array(ids)} for ids in ([b"i7", b"none", b"i5"], [b"none"])]
    answers = verify.check(folder / "good.tflite", "recommend_ids", histories)["outputs"]
    assert answers[0]["item_id"].tolist()[:4] == [b"i6", b"i8", b"i9", b"i10"]
    assert len(answers[1]["item_id"]) == K


def test_what_is_left_out_spoils_no_range_of_8_bits(exported: tuple[Path, dict[str, OnDeviceRecord]]) -> None:
    differences = {variant.variant: variant.largest_difference or 0.0 for variant in exported[1]["good"].variants}
    assert 0.0 < differences["float16"] < 0.001 and 0.0 < differences["dynamic_range"] < 0.01
    # Minus infinity in 8 bits would make it 0.6.
    assert 0.0 < differences["int8"] < 0.2


def test_all_variants_but_int8_take_raw_ids(exported: tuple[Path, dict[str, OnDeviceRecord]]) -> None:
    taken = {variant.variant: set(variant.signatures) for variant in exported[1]["good"].variants}
    both = {"recommend", "recommend_ids"}
    assert taken == {"float32": both, "float16": both, "dynamic_range": both, "int8": {"recommend"}}


def test_measures_are_those_of_the_windows(exported: tuple[Path, dict[str, OnDeviceRecord]]) -> None:
    overall, *slices = exported[1]["good"].measures
    assert overall.windows == 60 and overall.users == 30
    assert [one.name for one in slices] == ["1-2", "3-5"] and sum(one.windows for one in slices) == 60
    # Three in four labels are the item after the latest one, which stands first.
    assert overall.model.ndcg_at_10.value > 0.7 and overall.ndcg_above_popularity.lower > 0
    [float32, *_] = exported[1]["good"].variants
    assert float32.recall_at_10 == pytest.approx(overall.model.recall_at_10.value)
    assert float32.largest_difference is not None and float32.largest_difference < 1e-5 and float32.agreement == 1.0


def test_a_model_below_popularity_is_refused_with_the_reason(partly: tuple[Path, dict[str, OnDeviceRecord]]) -> None:
    bad = partly[1]["bad"]
    assert not bad.exported and all(not variant.reasons for variant in bad.variants)
    assert any("with a 95 % interval entirely above 0, got a difference of" in reason for reason in bad.reasons)


def test_a_variant_that_loses_too_much_is_refused_with_the_reason(
    partly: tuple[Path, dict[str, OnDeviceRecord]],
) -> None:
    wide = {variant.variant: variant for variant in partly[1]["wide"].variants}
    [reason] = wide["dynamic_range"].reasons
    assert reason.startswith("expected recall@10 of at least") and "on_device.max_recall_loss" in reason
    assert wide["float32"].exported and not wide["dynamic_range"].exported and not partly[1]["wide"].reasons


def test_files_that_are_too_large_or_slow_are_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "sequences" / "Format-Serving" / "good", SmallSequenceModel(follower_scores()))
    with caplog.at_level(logging.WARNING, "atalaya"):
        folder, records = _do(tmp_path, ["good"], variants=["float32"], max_bytes=1_000, max_latency_us=0.001)
    [variant] = records["good"].variants
    large, slow = variant.reasons
    assert "at most 1,000 bytes" in large and "at most 0.001 microseconds" in slow
    assert not list((folder / layout.ON_DEVICE).glob("*.tflite"))
    assert "on_device/good.tflite is not exported: expected at most 1,000 bytes" in caplog.text


def test_without_builtin_operators_or_windows_nothing_is_exported(tmp_path: Path) -> None:
    models = tmp_path / "sequences" / "Format-Serving"
    write(models / "flex", SmallSequenceModel(follower_scores(), needs_flex=True))
    write(models / "untried", SmallSequenceModel(follower_scores()), num_users=0)
    folder, records = _do(tmp_path, ["flex", "untried"], variants=["float32"])
    [reason] = records["flex"].variants[0].reasons
    assert "not builtin in TFLite: tf.StringL" in reason
    assert "there are no evaluation windows" in records["untried"].reasons[0]
    assert not list((folder / layout.ON_DEVICE).glob("*.tflite"))
