import os
from pathlib import Path

import pytest

from components.pusher import inventory
from schemas import layout
from schemas.errors import DataError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "7" / "assets.extra").mkdir(parents=True)
    (tmp_path / "7" / "saved_model.pb").write_text("graph")
    (tmp_path / "7" / layout.ORIGIN).write_text("{}")
    return tmp_path / "7"


def test_foreign_is_what_a_server_would_not_take_for_a_version(tmp_path):
    digit = os.fsdecode("²".encode())  # as a file's name is read, whatever the locale
    for name in ("10", "08", digit, "-1", ".partial-11", "notes"):
        (tmp_path / name).mkdir()
    assert [(version.number, version.folder.name) for version in inventory.versions(tmp_path)] == [
        (8, "08"),
        (10, "10"),
    ]
    assert inventory.foreign(tmp_path) == ["-1", "notes", digit]


def test_a_version_is_found_by_its_number_however_it_is_written(tmp_path):
    for name in ("0099", "17"):
        (tmp_path / name).mkdir()
    assert inventory.find(tmp_path, 99).folder == tmp_path / "0099"
    with pytest.raises(DataError, match="no version 9; there are: 17, 99"):
        inventory.find(tmp_path, 9)


def test_the_digest_is_of_names_and_contents_and_not_of_what_the_push_adds(model, model_card):
    before = inventory.digest([model])
    (model / layout.ORIGIN).write_text('{"copy_of": 3}')
    (model / layout.MODEL_CARD).write_text(model_card.model_dump_json())
    assert inventory.digest([model]) == before
    (model / "saved_model.pb").rename(model / "model.pb")
    renamed = inventory.digest([model])
    (model / "model.pb").write_text("another")
    assert len({before, renamed, inventory.digest([model])}) == 3


def test_a_whole_version_has_its_card_or_none(model, model_card):
    [version] = inventory.versions(model.parent)
    assert (version.number, version.card, version.problem) == (7, None, None)
    (model / layout.MODEL_CARD).write_text(model_card.model_dump_json())
    [version] = inventory.versions(model.parent)
    assert version.card.training == model_card.training and version.problem is None


@pytest.mark.parametrize("broken", ["saved_model.pb", layout.ORIGIN, layout.MODEL_CARD])
def test_of_a_damaged_version_it_says_what_is_wrong(model, broken):
    (model / broken).unlink(missing_ok=True)
    if broken != "saved_model.pb":
        (model / broken).write_text("broken")
    [version] = inventory.versions(model.parent)
    assert broken in version.problem
