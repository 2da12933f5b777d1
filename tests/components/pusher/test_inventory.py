import os
from pathlib import Path

import pytest

from components.pusher import inventory
from schemas import model_card as cards


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "7" / "assets.extra").mkdir(parents=True)
    (tmp_path / "7" / "saved_model.pb").write_text("graph")
    (tmp_path / "7" / inventory.ORIGIN).write_text("{}")
    return tmp_path / "7"


def test_versions_are_what_a_server_would_take_for_one(tmp_path):
    digit = os.fsdecode("²".encode())  # as a file's name is read, whatever the locale
    for name in ("10", "9", "08", digit, "-1", ".partial-11", "notes"):
        (tmp_path / name).mkdir()
    assert inventory.numbers(tmp_path) == [9, 10]
    assert inventory.foreign(tmp_path) == ["-1", "08", "notes", digit]


def test_the_digest_is_of_names_and_contents_and_not_of_what_the_push_adds(model, model_card):
    before = inventory.digest(model)
    (model / inventory.ORIGIN).write_text('{"copy_of": 3}')
    (model / cards.FILE).write_text(model_card.model_dump_json())
    assert inventory.digest(model) == before
    (model / "saved_model.pb").rename(model / "model.pb")
    renamed = inventory.digest(model)
    (model / "model.pb").write_text("another")
    assert len({before, renamed, inventory.digest(model)}) == 3


def test_a_whole_version_has_its_card_or_none(model, model_card):
    [version] = inventory.versions(model.parent)
    assert (version.number, version.card, version.problem) == (7, None, None)
    (model / cards.FILE).write_text(model_card.model_dump_json())
    [version] = inventory.versions(model.parent)
    assert version.card.training == model_card.training and version.problem is None


@pytest.mark.parametrize("broken", ["saved_model.pb", inventory.ORIGIN, cards.FILE])
def test_of_a_damaged_version_it_says_what_is_wrong(model, broken):
    (model / broken).unlink(missing_ok=True)
    if broken != "saved_model.pb":
        (model / broken).write_text("broken")
    [version] = inventory.versions(model.parent)
    assert broken in version.problem
