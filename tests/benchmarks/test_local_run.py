import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import local_run
from schemas import layout, on_device_record
from schemas.model_card import ModelCard
from schemas.verdict import MetricRecord

RANKING = {"bytes": 400_000, "largest_difference": 1e-4, "compared": 1_000}
RETRIEVAL = {"bytes": 8_000_000, "agreement": 1.0}


@pytest.fixture
def missed(tmp_path: Path, model_card: ModelCard, monkeypatch: pytest.MonkeyPatch):
    """What a version misses that differs from one which just reaches its floors."""

    def judge(lift: float = 0.001, variants: str = "float32 dynamic_range", **changed: float) -> list[str]:
        lifts = tuple(
            MetricRecord(metric=f"lift_over_{other}", slice="", value=0.5, lower=lift, upper=1.0)
            for other in ("popularity", "bias")
        )
        evaluation = model_card.evaluation.model_copy(update={"metrics": lifts, "anomalies": ()})
        (tmp_path / layout.EXTRA).mkdir()
        (tmp_path / layout.MODEL_CARD).write_text(
            model_card.model_copy(update={"evaluation": evaluation}).model_dump_json()
        )
        for name, good in (("ranking", RANKING), ("retrieval", RETRIEVAL)):
            facts = good | {key: value for key, value in changed.items() if key in good}
            (tmp_path / layout.EXTRA / f"{name}.json").write_text(json.dumps(facts))
        record = SimpleNamespace(exported=[SimpleNamespace(variant=variant) for variant in variants.split()])
        monkeypatch.setattr(on_device_record, "read", lambda version: (record,))
        verdicts = local_run.against_floors(tmp_path)
        assert len(verdicts) == 9
        return [verdict.text for verdict in verdicts if not verdict.met]

    return judge


def test_a_version_on_its_floors_misses_none(missed) -> None:
    assert missed() == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"lift": 0.0}, ["lift_over_popularity", "lift_over_bias"]),
        ({"largest_difference": 1.1e-4}, ["ranking.tflite, largest difference"]),
        ({"compared": 999}, ["ranking.tflite, pairs 999, at least"]),
        ({"agreement": 0.99}, ["retrieval.tflite, agreement"]),
        ({"bytes": 8_000_001}, ["ranking.tflite, bytes 8,000,001, at most 400,000", "retrieval.tflite, bytes"]),
        ({"variants": "float32"}, ["on-device files float32, exactly float32, dynamic_range"]),
    ],
)
def test_each_floor_that_is_missed_is_named(missed, changed, expected) -> None:
    found = missed(**changed)
    assert len(found) == len(expected)
    assert all(text.startswith(words) for text, words in zip(found, expected, strict=True))
