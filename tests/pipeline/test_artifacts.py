import os
from pathlib import Path
from typing import Any

import pytest

from pipeline import artifacts
from schemas.errors import SettingsError
from schemas.plain_path import special
from schemas.settings import Settings


def _settings(folder: Path, **more: Any) -> Settings:
    local = {"artifacts": str(folder)}
    return Settings.model_validate({"name": "shop", "data": {"folder": "data"}, "local": local, **more})


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_an_ordinary_folder_is_named_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "my data (über)"
    assert artifacts.plain_root(_settings(folder)) == folder / "shop"


def test_a_folder_with_special_characters_gets_the_same_link_in_every_run(tmp_path: Path, temporary: Path) -> None:
    folders = [tmp_path / name for name in ("my data [2021]", "a*b", "a?b")]
    links = [artifacts.plain_root(_settings(folder)) for folder in folders]
    assert not special("".join(map(str, links)))
    for folder, link in zip(folders, links, strict=True):
        (folder / "shop").mkdir(parents=True)
        assert link.samefile(folder / "shop") and link.is_relative_to(temporary)
        assert artifacts.plain_root(_settings(folder)) == link


def test_the_links_of_another_user_are_not_used(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 123_456)
    with pytest.raises(SettingsError, match=r"set local\.artifacts to another folder, as .* belongs to another user"):
        artifacts.plain_root(_settings(tmp_path / "[x]"))


def test_workers_elsewhere_would_not_see_a_link(tmp_path: Path, temporary: Path) -> None:
    with pytest.raises(SettingsError, match=r"would take \[ \] for patterns; set local\.artifacts to a folder without"):
        artifacts.plain_root(_settings(tmp_path / "[x]", beam={"engine": "flink", "flink": {"rest": "h:1"}}))


@pytest.fixture
def store() -> Any:
    import ml_metadata
    from ml_metadata.proto import metadata_store_pb2 as protos

    return ml_metadata.MetadataStore(protos.ConnectionConfig(fake_database=protos.FakeDatabaseConfig()))


def test_results_of_a_moved_folder_are_found_again_and_lost_ones_are_reported(tmp_path: Path, store: Any) -> None:
    from ml_metadata.proto import metadata_store_pb2 as protos

    old, new = tmp_path / "old" / "shop", tmp_path / "new" / "shop"
    paths = {
        "moved": old / "Trainer" / "model" / "6",
        "gone": old / "Trainer" / "model" / "7",
        "elsewhere": tmp_path / "elsewhere" / "model" / "8",
        "here": new / "Trainer" / "model" / "9",
    }
    for made in (new / "Trainer" / "model" / "6", paths["elsewhere"]):
        made.mkdir(parents=True)
    kind = store.put_artifact_type(protos.ArtifactType(name="Model"))
    uris = [*map(str, paths.values()), "gs://bucket/model/10"]
    ids = store.put_artifacts([protos.Artifact(type_id=kind, uri=uri, state=protos.Artifact.LIVE) for uri in uris])
    lines = artifacts.find_again(store, new)
    assert [line.split(",")[0] for line in lines] == [
        f"Earlier results (1) were below {old} and are found again below {new}; steps that read them run again",
        "Earlier results (1)",
    ]
    assert f"such as {paths['gone']}, are gone" in lines[1]
    found = {one.id: one for one in store.get_artifacts_by_id(ids)}
    assert [found[one].uri for one in ids] == [str(new / "Trainer" / "model" / "6"), *uris[1:]]
    states = [found[one].state == protos.Artifact.LIVE for one in ids]
    assert states == [True, False, True, True, True]
    assert artifacts.find_again(store, new) == []
