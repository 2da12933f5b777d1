import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from small_sequence_model import SmallSequenceModel, follower_scores, write

from components.on_device_exporter.trained import Trained
from components.on_device_exporter.variants import export
from pipeline.reporting import report_on_device
from schemas import on_device_record
from schemas.model_card import ModelCard
from schemas.on_device_record import OnDeviceRecord
from schemas.settings import OnDeviceSettings


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[OnDeviceRecord, ...]:
    """A good model, of which one file is too large, and one below popularity."""
    folder, made = tmp_path_factory.mktemp("files"), []
    settings = OnDeviceSettings(variants=("float32", "dynamic_range"), max_bytes=20_000)
    for name, step in (("good", 1), ("bad", 20)):
        write(folder / "trained" / name, SmallSequenceModel(follower_scores(step=step)))
        made.append(export(Trained(folder / "trained" / name), folder, settings))
    return tuple(made)


def _shown(records: tuple[OnDeviceRecord, ...]) -> str:
    shown = io.StringIO()
    report_on_device.show(records, Console(file=shown, width=300))
    return shown.getvalue()


def test_a_line_for_each_file_and_a_reason_for_each_refusal(records: tuple[OnDeviceRecord, ...]) -> None:
    lines = _shown(records).splitlines()
    [small] = [line for line in lines if line.strip().startswith("good.dynamic_range.tflite")]
    variant = records[0].variants[1]
    popular = records[0].measures[0].popularity.recall_at_10.value
    assert small.split() == [
        variant.file,
        f"{variant.recall_at_10:.4f}",
        f"{popular:.4f}",
        f"{variant.ndcg_at_10:.4f}",
        f"{variant.bytes:,}",
        f"{variant.latency_us:.1f}",
        "exported",
    ]
    [large, reason] = [line for line in lines if line.strip().startswith("good.tflite")]
    assert large.split()[-1] == "refused" and reason.startswith("good.tflite is not exported: expected at most ")
    assert any(line.startswith("on-device model bad is not exported: ") for line in lines)


def test_without_models_it_says_nothing() -> None:
    assert _shown(()) == ""


def test_the_model_card_names_them(records: tuple[OnDeviceRecord, ...], model_card: ModelCard) -> None:
    summaries = tuple(map(on_device_record.summarize, records))
    card = json.loads(model_card.model_copy(update={"on_device": summaries}).model_dump_json())
    good, bad = card["on_device"]
    assert good["exported"] == ["good.dynamic_range.tflite"] and list(good["refused"]) == ["good.tflite"]
    assert bad["exported"] == [] and good["recall_at_10"] > good["popularity_recall_at_10"]
    assert ModelCard.model_validate(card).on_device == summaries


def test_cards_of_versions_without_them_can_be_read(model_card: ModelCard) -> None:
    older = json.loads(model_card.model_dump_json())
    del older["on_device"]
    assert ModelCard.model_validate(older) == ModelCard.model_validate(json.loads(model_card.model_dump_json()))


def test_a_folder_without_models_has_no_records(tmp_path: Path) -> None:
    assert on_device_record.read(tmp_path) == () and on_device_record.read_index(tmp_path) == ()
