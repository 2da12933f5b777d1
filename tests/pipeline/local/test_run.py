import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.local import run as local
from pipeline.local.unchanged import Record
from pipeline.node import Node
from recommender.sources.refusals import Suspicion
from schemas.errors import DataError, SettingsError
from schemas.settings import Settings, load

ROOT = Path(__file__).parents[3]


def test_two_runs_never_work_on_one_root_at_a_time(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.local import run as local\n"
        "with local._only_run(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SettingsError, match="another run uses this folder"), local._only_run(tmp_path, wait=0.0):
            pass
        # The lock goes with its process, however that ends.
        other.kill()
        other.wait()
    with local._only_run(tmp_path):
        pass


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of the runs whose data were accepted; no step runs."""
    settings: list[Settings] = []
    monkeypatch.setattr(local.preflight, "check", lambda _: None)
    monkeypatch.setattr(local, "Steps", lambda lock: contextlib.nullcontext())
    monkeypatch.setattr(local, "_nodes", lambda given, *_: settings.append(given) or {})
    monkeypatch.setattr(local.unchanged, "write", lambda *_: None)
    monkeypatch.setattr(local.report, "show", lambda *_: True)
    return settings


@pytest.mark.parametrize(("is_blessed", "status"), [(True, local.PUSHED), (False, local.REFUSED)])
def test_when_nothing_has_changed_the_last_results_are_shown_and_no_step_starts(
    tmp_path, monkeypatch, capfd, is_blessed, status
):
    nodes = {"Trainer": Node({}, reused=True), "Pusher": Node({}, reused=True)}
    record = Record(key="", metadata=(0, 0), nodes=nodes, suspicions=[Suspicion("warning", "times-rounded", "a.csv")])
    shown = []
    monkeypatch.setattr(local.unchanged, "find", lambda *_: record)
    monkeypatch.setattr(local, "Steps", None)
    monkeypatch.setattr(local.report, "show", lambda *given: shown.append(given) or is_blessed)
    (tmp_path / "artifacts" / "shop").mkdir(parents=True)
    assert local.run(_settings(tmp_path)) == status
    [(given, folder, is_inspected, _)] = shown
    assert (given, is_inspected) == (nodes, True) and folder.parent == tmp_path / "runs"
    out = capfd.readouterr().out
    assert "times-rounded" in out and out.count("unchanged, reused") == 2


def test_nothing_heavy_is_imported_to_show_the_last_results():
    program = (
        "import sys\nfrom pipeline.commands import actions\nfrom pipeline.local import run\n"
        "print(*sorted({'tensorflow', 'tfx', 'apache_beam', 'ml_metadata'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "\n"


def _settings(folder: Path, rows: int = 200, bad: str = "", **sections: Any) -> Settings:
    text = "".join(f"u{n % 25};x{n % 13};{1 + n % 5};{1_600_000_000 + n}\n" for n in range(rows))
    (folder / "stars.csv").write_text(f"user;item;rating;time\n{text}{bad}")
    data = {"folder": str(folder), "ratings": "stars.csv", "items": ""}
    places = {"artifacts": str(folder / "artifacts"), "runs": str(folder / "runs")}
    return Settings.model_validate({"name": "shop", "data": data, "local": places, **sections})


def test_a_run_on_files_alone_shows_and_keeps_what_was_found(tmp_path, ran, capfd):
    settings = _settings(tmp_path, split={"eval_share": 0.3})
    (tmp_path / "runs").mkdir()
    assert local.run(settings, is_inferred=True) == local.PUSHED
    [kept] = (tmp_path / "runs").glob("*/shop.toml")
    assert kept.name in capfd.readouterr().out
    [used] = ran
    assert used.data == load(kept).data and used.data.timestamp_format == "unix" and used.data.columns.user == "user"
    assert (used.split.eval_share, used.local) == (0.3, settings.local)


def test_a_run_with_settings_looks_at_the_data_and_changes_nothing(tmp_path, ran, capsys):
    settings = _settings(tmp_path, bad="U1;x1;3;1600000000\n")
    assert local.run(settings) == local.PUSHED
    assert ran == [settings] and not list(tmp_path.glob("runs/*/shop.toml"))
    assert "user-spellings" in capsys.readouterr().out


def test_unusable_data_stop_a_run_before_its_first_step_and_are_listed(tmp_path, ran):
    (tmp_path / "runs").mkdir()
    with pytest.raises(DataError, match=r"stars\.csv: 5 of 205 rows cannot be used .* line 202: .*: '=good'"):
        local.run(_settings(tmp_path, bad="u1;x1;=good;5\n" * 5))
    assert ran == []
    listed = (tmp_path / "runs" / "shop-rejects.csv").read_text().splitlines()
    assert len(listed) == 6 and listed[1].startswith("stars.csv,202,rating is not a finite number,'=good,")


def test_the_default_data_are_offered_for_download(tmp_path, ran):
    tree = {"name": "x", "data": {"folder": str(tmp_path / "my data" / "movielens-100k")}}
    with pytest.raises(DataError, match=r"no such folder; `atalaya data fetch movielens-100k --folder '.*my data'` "):
        local.run(Settings.model_validate(tree))


def test_spans_are_chosen_and_looked_at_by_the_step_that_reads_them(tmp_path, ran):
    settings = _settings(tmp_path)
    spans = settings.data.model_copy(update={"ratings": "span-{SPAN}.csv"})
    with pytest.raises(DataError, match=r"span-\*\.csv: no such file"):
        local.run(settings.model_copy(update={"data": spans}))
    (tmp_path / "stars.csv").rename(tmp_path / "span-1.csv")
    assert local.run(settings.model_copy(update={"data": spans})) == local.PUSHED
    (tmp_path / "span-2.csv").write_text("rating;time\n1;2\n2;3\n")
    with pytest.raises(DataError, match=r"span-2\.csv: which column is the user and which the item"):
        local.run(settings.model_copy(update={"data": spans}))
