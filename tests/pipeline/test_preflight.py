import errno
import os
import socket
from pathlib import Path

import pytest

from pipeline import preflight
from schemas import index
from schemas.errors import DataError, SettingsError
from schemas.settings import BeamSettings, IndexSettings, Settings

RATINGS = "user_id,item_id,rating,timestamp\n1,2,3,4\n"
ITEMS = "item_id,title,genres\n2,Two,\n"


@pytest.fixture(autouse=True)
def there_are_semaphores(monkeypatch):
    monkeypatch.setattr(preflight.multiprocessing, "Lock", lambda: None)


def _settings(
    tmp_path: Path, ratings: str | None = RATINGS, items: str | None = ITEMS, data: dict[str, str] | None = None
) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("ratings.csv", ratings), ("items.csv", items)):
        if text is not None:
            (folder / name).write_text(text)
    local = {"artifacts": str(tmp_path / "artifacts"), "runs": str(tmp_path / "runs")}
    tree = {"name": "shop", "data": {"folder": str(folder), **(data or {})}, "local": local}
    return Settings.model_validate(tree | {"export": {"serving": str(tmp_path / "serving")}})


def test_good_input_passes_and_leaves_no_probe(tmp_path):
    preflight.check(_settings(tmp_path))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".csv"]


def test_a_recommender_without_an_items_file_passes(tmp_path):
    preflight.check(_settings(tmp_path, items=None, data={"items": ""}))


@pytest.mark.parametrize(
    ("ratings", "items", "expected"),
    [
        (None, ITEMS, r"ratings\.csv: no such file; data\.folder and data\.ratings"),
        (RATINGS, None, r"items\.csv: no such file; data\.folder and data\.items"),
        ("", ITEMS, r"ratings\.csv: the file is empty"),
        ("user_id,item_id,rating,timestamp\n", ITEMS, r"ratings\.csv: the file has a header and no rows"),
        (
            "user,item_id,rating,timestamp\n1,2,3,4\n",
            ITEMS,
            r"no column 'user_id'; the header has: 'user', .*columns\.user",
        ),
        (RATINGS, "id,title,genres\n1,2,3\n", r"items\.csv: no column 'item_id'.*data\.item_columns\.item"),
    ],
)
def test_bad_input_is_named_with_its_place(tmp_path, ratings, items, expected):
    with pytest.raises(DataError, match=expected):
        preflight.check(_settings(tmp_path, ratings, items))


def test_spans_are_looked_for_by_their_pattern(tmp_path):
    settings = _settings(tmp_path, None, None, {"ratings": "span-{SPAN}/ratings.csv", "items": ""})
    with pytest.raises(DataError, match="no such file"):
        preflight.check(settings)
    span = tmp_path / "data" / "span-3"
    span.mkdir()
    (span / "ratings.csv").write_text(RATINGS)
    preflight.check(settings)


def test_a_folder_that_cannot_be_written_to_is_named_with_its_setting(tmp_path):
    settings = _settings(tmp_path)
    (tmp_path / "serving").write_text("a file where a folder should be")
    with pytest.raises(SettingsError, match=r"serving/shop: cannot be written to: .* set export\.serving"):
        preflight.check(settings)


def test_the_folder_of_recommendations_is_looked_at_only_if_they_are_wanted(tmp_path):
    settings = _settings(tmp_path)
    batch = settings.batch.model_copy(update={"folder": tmp_path / "data" / "ratings.csv"})
    preflight.check(settings.model_copy(update={"batch": batch}))
    batch = batch.model_copy(update={"enabled": True})
    with pytest.raises(SettingsError, match=r"ratings\.csv/shop: cannot be written to: .* set batch\.folder"):
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
