import math

import numpy as np
import pytest

from components.on_device_exporter import gate
from components.on_device_exporter.measure import Ranked, measure
from schemas.on_device_record import Estimate, SliceRecord, VariantRecord
from schemas.settings import OnDeviceSettings


def _overall(recall: float, popular: float, above: tuple[float, float, float]) -> SliceRecord:
    [record, *_] = measure(Ranked(np.array([1, 2]), np.array([1, 2]), np.array([1, 1]), np.array([1, 2])))
    value, lower, upper = above

    def with_recall(number: float) -> object:
        return record.model.model_copy(update={"recall_at_10": Estimate(value=number, lower=0.0, upper=1.0)})

    return record.model_copy(
        update={
            "model": with_recall(recall),
            "popularity": with_recall(popular),
            "ndcg_above_popularity": Estimate(value=value, lower=lower, upper=upper),
        }
    )


def _variant(name: str = "float32", **measures: float | None) -> VariantRecord:
    return VariantRecord(variant=name, file=f"m.{name}.tflite", exported=False, reasons=(), **measures)  # type: ignore[arg-type]


def test_a_model_that_beats_popularity_passes() -> None:
    assert gate.below_popularity(_overall(0.12, 0.1, (0.01, 0.001, 0.02))) == []


@pytest.mark.parametrize(
    ("recall", "above", "words"),
    [
        (0.1, (0.01, 0.001, 0.02), ["recall@10 above that of the most popular items, 0.1000, got 0.1000"]),
        (0.12, (0.01, 0.0, 0.02), ["interval +0.0000 to +0.0200"]),
        (0.12, (0.01, math.nan, math.nan), ["interval +nan to +nan"]),
        (math.nan, (-0.1, -0.2, 0.0), ["0.1000, got nan", "got a difference of -0.1000"]),
    ],
)
def test_one_that_does_not_is_refused(recall: float, above: tuple[float, float, float], words: list[str]) -> None:
    reasons = gate.below_popularity(_overall(recall, 0.1, above))
    assert len(reasons) == len(words) and all(word in reason for word, reason in zip(words, reasons, strict=True))


def test_without_windows_nothing_passes() -> None:
    [reason] = gate.below_popularity(_overall(1.0, 0.0, (1.0, 1.0, 1.0)).model_copy(update={"windows": 0}))
    assert "there are no evaluation windows" in reason


@pytest.mark.parametrize(("recall", "passes"), [(0.099, True), (0.0989, False), (None, False)])
def test_a_variant_may_lose_a_share_of_recall(recall: float | None, passes: bool) -> None:
    settings, float32 = OnDeviceSettings(max_recall_loss=0.01), _variant(recall_at_10=0.1)
    reasons = gate.shortcomings(_variant("int8", recall_at_10=recall), float32, settings)
    assert (not reasons) == passes
    assert passes or "at least 0.0990, the 0.1000 of float32 less a share of 0.01" in reasons[0]
    assert gate.shortcomings(_variant("int8", recall_at_10=1.0), None, settings)


def test_thresholds_are_met_when_reached_and_a_missing_number_meets_none() -> None:
    settings = OnDeviceSettings(max_bytes=1_000, max_latency_us=25.0)
    assert gate.shortcomings(_variant(bytes=1_000, latency_us=25.0), None, settings) == []
    large, slow = gate.shortcomings(_variant(bytes=1_001, latency_us=25.1), None, settings)
    assert large == "expected at most 1,000 bytes (on_device.max_bytes), got 1,001"
    assert slow == "expected a median latency of at most 25 microseconds (on_device.max_latency_us), got 25.1"
    assert len(gate.shortcomings(_variant(), None, settings)) == 2
    assert gate.shortcomings(_variant(bytes=10**9, latency_us=1e9), None, OnDeviceSettings()) == []
