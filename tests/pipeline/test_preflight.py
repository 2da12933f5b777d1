import errno
import os
import socket
from pathlib import Path

import pytest

from pipeline import preflight
from schemas import index
from schemas.errors import SettingsError
from schemas.settings import BeamSettings, IndexSettings, Settings


@pytest.fixture(autouse=True)
def there_are_semaphores(monkeypatch):
    monkeypatch.setattr(preflight.multiprocessing, "Lock", lambda: None)


def _settings(tmp_path: Path) -> Settings:
    local = {"artifacts": str(tmp_path / "artifacts"), "runs": str(tmp_path / "runs")}
    tree = {"name": "shop", "data": {"folder": str(tmp_path)}, "local": local}
    return Settings.model_validate(tree | {"export": {"serving": str(tmp_path / "serving")}})


def test_folders_that_can_be_written_to_pass_and_no_probe_is_left(tmp_path):
    preflight.check(_settings(tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_to_is_named_with_its_setting(tmp_path):
    settings = _settings(tmp_path)
    (tmp_path / "serving").write_text("a file where a folder should be")
    with pytest.raises(SettingsError, match=r"serving/shop: cannot be written to: .* set export\.serving"):
        preflight.check(settings)


def test_the_folder_of_recommendations_is_looked_at_only_if_they_are_wanted(tmp_path):
    settings = _settings(tmp_path)
    (tmp_path / "taken").write_text("a file where a folder should be")
    batch = settings.batch.model_copy(update={"folder": tmp_path / "taken"})
    preflight.check(settings.model_copy(update={"batch": batch}))
    batch = batch.model_copy(update={"enabled": True})
    with pytest.raises(SettingsError, match=r"taken/shop: cannot be written to: .* set batch\.folder"):
        preflight.check(settings.model_copy(update={"batch": batch}))


def test_an_engine_that_does_not_answer_or_cannot_see_the_folders_is_refused_at_once(tmp_path):
    settings = _settings(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        silent = BeamSettings.model_validate({"engine": "flink", "flink": {"job_server": address}})
        with pytest.raises(SettingsError, match=rf"beam.flink: nothing answers at {address}: .*refused"):
            preflight.check(settings.model_copy(update={"beam": silent}))
    options = {"project": "p", "region": "r", "temp_location": "gs://b/t", "image": "i"}
    dataflow = BeamSettings.model_validate({"engine": "dataflow", "dataflow": options})
    with pytest.raises(SettingsError, match="Dataflow's workers cannot see this machine's folders"):
        preflight.check(settings.model_copy(update={"beam": dataflow}))


def test_an_engine_that_answers_passes(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        beam = BeamSettings.model_validate({"engine": "portable", "portable": {"job_server": address}})
        preflight.check(_settings(tmp_path).model_copy(update={"beam": beam}))
        server.settimeout(1)
        connection, _ = server.accept()
        connection.close()


def test_a_system_without_semaphores_is_refused_where_beam_runs_here(tmp_path, monkeypatch):
    def no_lock() -> None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(preflight.multiprocessing, "Lock", no_lock)
    settings = _settings(tmp_path)
    with pytest.raises(
        SettingsError, match=r"this system cannot create any in /dev/shm: No such file.*; mount a tmpfs there"
    ):
        preflight.check(settings)
    with socket.create_server(("127.0.0.1", 0)) as server:
        job_server = f"127.0.0.1:{server.getsockname()[1]}"
        elsewhere = BeamSettings.model_validate({"engine": "portable", "portable": {"job_server": job_server}})
        preflight.check(settings.model_copy(update={"beam": elsewhere}))


def test_scann_is_refused_where_it_has_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path)
    monkeypatch.setattr(index, "find_spec", lambda name: None)
    for kind in ("none", "ivf"):
        preflight.check(settings.model_copy(update={"index": IndexSettings(kind=kind)}))
    message = r'the package scann, which has no build for this TensorFlow, is missing; set index\.kind = "ivf"'
    with pytest.raises(SettingsError, match=message):
        preflight.check(settings.model_copy(update={"index": IndexSettings(kind="scann")}))
