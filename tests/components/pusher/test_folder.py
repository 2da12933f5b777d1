"""The folder of pushed versions and its changes, with hand-made versions."""

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from components.pusher import folder, inventory
from schemas import layout
from schemas.errors import DataError
from schemas.model_card import ModelCard


@pytest.fixture
def base(tmp_path: Path, model_card: ModelCard) -> Path:
    """The versions 100 (model a), 200 (b) and 300 (c)."""
    for number, content in ((100, "a"), (200, "b"), (300, "c")):
        assert folder.push([_model(tmp_path, content)], tmp_path / "shop", number, model_card).outcome == "new"
    return tmp_path / "shop"


def _model(parent: Path, content: str) -> Path:
    model = parent / f"model-{content}"
    (model / "variables").mkdir(parents=True, exist_ok=True)
    (model / "saved_model.pb").write_text("graph")
    (model / "variables" / "variables.index").write_text(content)
    return model


def _contents(base: Path) -> dict[str, str]:
    return {path.name: (path / "variables" / "variables.index").read_text() for path in base.iterdir()}


def test_a_rollback_makes_an_earlier_version_the_newest_again(base):
    version, outcome = folder.rollback(100, base, 400)
    assert (version.name, outcome) == ("400", "new")
    assert _contents(base) == {"100": "a", "200": "b", "300": "c", "400": "a"}
    origin = inventory.read_origin(version)
    assert (origin.copy_of, origin.rolled_back_from) == (100, 300)
    assert (version / layout.MODEL_CARD).read_bytes() == (base / "100" / layout.MODEL_CARD).read_bytes()


def test_its_number_is_the_highest_though_the_clock_is_behind(base):
    assert folder.rollback(200, base, 7).version.name == "301"


def test_the_copy_and_the_earlier_version_do_not_share_their_fate(base):
    before = inventory.read_origin(base / "100")
    version = folder.rollback(100, base, 400).version
    index = Path("variables") / "variables.index"
    (version / index).write_text("spoiled")
    assert inventory.read_origin(base / "100") == before
    assert (base / "100" / index).read_text() == "a"


def test_what_is_the_newest_already_is_not_copied_once_more(base):
    assert folder.rollback(300, base, 400) == (base / "300", "unchanged")
    folder.rollback(100, base, 400)
    assert folder.rollback(100, base, 500) == (base / "400", "unchanged")
    assert sorted(_contents(base)) == ["100", "200", "300", "400"]


def test_only_what_was_rolled_back_is_withdrawn_and_only_until_it_is_brought_back(base, tmp_path, model_card):
    def push(content: str, now: int) -> str:
        return folder.push([_model(tmp_path, content)], base, now, model_card).outcome

    folder.rollback(100, base, 400)
    assert push("c", 500) == "withdrawn"
    assert push("a", 500) == "unchanged"
    assert push("b", 500) == "new", "it was not the newest when the rollback came"
    assert push("c", 600) == "withdrawn", "a later version hands on what is withdrawn"
    folder.rollback(300, base, 600)
    assert push("c", 700) == "unchanged"
    assert push("b", 700) == "withdrawn"


def test_a_version_whose_origin_does_not_record_the_model_is_withdrawn_too(base, tmp_path, model_card):
    (base / "300" / layout.ORIGIN).write_text('{"model": "/somewhere", "artifact_id": 9}')
    folder.rollback(100, base, 400)
    assert folder.push([_model(tmp_path, "c")], base, 500, model_card).outcome == "withdrawn"


def test_a_version_pushed_by_others_does_not_readmit_a_withdrawn_model(base, tmp_path, model_card):
    folder.rollback(100, base, 400)
    shutil.copytree(tmp_path / "model-b", base / "450")
    assert folder.push([_model(tmp_path, "c")], base, 500, model_card).outcome == "withdrawn"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda version: (version / "variables" / "variables.index").write_text("A"), "not those that were pushed"),
        (lambda version: (version / "saved_model.pb").unlink(), r"no saved_model\.pb"),
        (lambda version: shutil.rmtree(version), "no version 100; there are: 200, 300"),
    ],
)
def test_a_damaged_or_absent_version_is_not_served(base, spoil, message):
    spoil(base / "100")
    before = sorted(path.name for path in base.iterdir())
    with pytest.raises(DataError, match=message):
        folder.rollback(100, base, 400)
    assert sorted(path.name for path in base.iterdir()) == before


def test_a_rollback_that_fails_leaves_nothing_behind(base, monkeypatch):
    def full_disk(source: str, target: str, **_: object) -> None:
        Path(target).mkdir()
        raise OSError(28, "No space left on device", target)

    monkeypatch.setattr(shutil, "copytree", full_disk)
    with pytest.raises(OSError, match="No space left"):
        folder.rollback(100, base, 400)
    assert _contents(base) == {"100": "a", "200": "b", "300": "c"}


def test_only_whole_versions_are_ever_seen_while_one_is_added(base, monkeypatch):
    seen, copy = [], shutil.copyfile

    def look_on(*arguments: Any, **options: Any) -> None:
        copy(*arguments, **options)
        seen.append(layout.versions(base))

    monkeypatch.setattr(shutil, "copyfile", look_on)
    folder.rollback(100, base, 400)
    assert len(seen) == 4 and all(versions == [base / "100", base / "200", base / "300"] for versions in seen)
    assert [version.name for version in layout.versions(base)] == ["100", "200", "300", "400"]


def test_one_change_at_a_time(base, monkeypatch):
    done = []
    with folder._alone(base):
        other = threading.Thread(target=lambda: done.append(folder.prune(base, 1)))
        other.start()
        other.join(0.3)
        assert not done and sorted(_contents(base)) == ["100", "200", "300"]
    other.join(10)
    assert sorted(_contents(base)) == ["300"]


@pytest.mark.parametrize(("keep", "left"), [(1, ["300"]), (2, ["200", "300"]), (3, ["100", "200", "300"]), (9, None)])
def test_prune_keeps_the_newest(base, keep, left):
    removed = folder.prune(base, keep)
    assert sorted(_contents(base)) == (left or ["100", "200", "300"])
    assert {str(version.number) for version in removed} == {"100", "200", "300"} - set(_contents(base))


def test_prune_never_removes_the_newest_blessed(base, model_card):
    refused = model_card.model_copy(
        update={"evaluation": model_card.evaluation.model_copy(update={"blessed": False})}
    ).model_dump_json()
    (base / "300" / layout.MODEL_CARD).write_text(refused)
    (base / "200" / layout.MODEL_CARD).unlink()
    folder.prune(base, 1)
    assert sorted(_contents(base)) == ["100", "300"]


def test_a_version_with_leading_zeros_counts_as_its_number(base, tmp_path, model_card):
    (base / "300").rename(base / "0300")
    assert folder.push([_model(tmp_path, "c")], base, 400, model_card) == (base / "0300", "unchanged")
    assert folder.push([_model(tmp_path, "d")], base, 7, model_card) == (base / "301", "new")
    assert folder.rollback(300, base, 500).version.name == "500"
    assert [version.number for version in folder.prune(base, 1)] == [100, 200, 300, 301]


def test_prune_leaves_alone_and_does_not_count_what_is_damaged_or_foreign(base):
    (base / "250").mkdir()
    (base / "notes").mkdir()
    (base / "007").mkdir()
    (base / "400").symlink_to(base / "100")
    (base / "200" / layout.MODEL_CARD).write_text("{")
    assert [version.number for version in folder.prune(base, 1)] == [100]
    assert sorted(path.name for path in base.iterdir()) == ["007", "200", "250", "300", "400", "notes"]


def test_what_a_killed_prune_left_is_cleared(base):
    (base / "100").rename(base / ".partial-100")
    assert folder.prune(base, 2) == []
    assert sorted(path.name for path in base.iterdir()) == ["200", "300"]


def test_prune_takes_a_version_away_before_its_files(base, monkeypatch):
    seen, rmtree = [], shutil.rmtree

    def look_on(path: Path, **rest: object) -> None:
        seen.append((layout.versions(base), (path / "saved_model.pb").exists()))
        rmtree(path, **rest)

    monkeypatch.setattr(shutil, "rmtree", look_on)
    folder.prune(base, 2)
    assert seen == [([base / "200", base / "300"], True)]
