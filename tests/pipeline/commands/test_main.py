import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

import runner
from kubeflow_server import refusing
from pipeline.commands import main as atalaya

ROOT = Path(__file__).parents[3]
NIGHTLY = "0 0 3 * * *"
LARGE = ("apache_beam", "kfp", "numpy", "tensorflow", "tfx")


def _process(program: str, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_installed_command_shows_its_commands():
    place = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["atalaya"]
    entry = f"from importlib.metadata import EntryPoint\nEntryPoint('atalaya', {place!r}, 'console_scripts').load()()"
    process = _process(entry, "--help")
    assert process.returncode == 0
    for name in ("run", "submit", "compile", "schedule", "recommend", "versions", "data", "inspect"):
        assert f"\n    {name}" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "large"),
    [
        (["--help"], (*LARGE, "pydantic", "rich")),
        (["run", "--help"], LARGE),
        (["submit", "--config", "absent.toml"], LARGE),
        (["compile", "vertex"], LARGE),
        (["schedule", "set", "0 3 * * *"], LARGE),
        (["versions", "list", "--serving", "absent"], ("apache_beam", "kfp", "tensorflow", "tfx")),
        (["recommend", "--user", "1", "--model", "absent"], ("apache_beam", "kfp", "tensorflow", "tfx")),
        (["data", "--help"], LARGE),
    ],
)
def test_help_and_bad_options_load_no_large_library(arguments, large):
    program = (
        "import sys\nfrom pipeline.commands.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('loaded', *[name for name in {large} if name in sys.modules])"
    )
    process = _process(program, *arguments)
    assert process.stdout.splitlines()[-1] == "loaded", process.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["train"], "invalid choice: 'train'"),
        (["run", "--wait"], "unrecognized arguments: --wait"),
        (["run", "--items", "items.csv"], "--items: only with --ratings"),
        (["compile", "kubeflow"], "-o/--output"),
        (["compile", "local", "-o", "f"], "invalid choice: 'local'"),
        (["schedule"], "COMMAND"),
        (["schedule", "set"], "CRON"),
        (["schedule", "list", "--fast"], "unrecognized arguments: --fast"),
        (["data", "fetch", "netflix"], "invalid choice: 'netflix'"),
    ],
)
def test_what_a_command_does_not_take_is_named(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        atalaya.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "call", [lambda options: atalaya.main(["run", *options]), lambda options: runner.main(["--local", *options])]
)
def test_both_command_lines_run_the_same(monkeypatch, tmp_path, call):
    ran = []

    def run(settings, verbose, is_inferred):
        assert os.environ["TF_USE_LEGACY_KERAS"] == "1"
        ran.append((settings.name, settings.data.ratings, settings.training.refit, verbose, is_inferred))
        return 3

    monkeypatch.setattr("pipeline.local.run.run", run)
    monkeypatch.delenv("TF_USE_LEGACY_KERAS")
    assert call([]) == 3
    config = tmp_path / "shop.toml"
    config.write_text('name = "shop"\n[data]\nfolder = "d"\n')
    assert call(["--fast", "-v", "--config", str(config)]) == 3
    assert call(["--ratings", "a/clicks.csv", "a/views.csv", "--items", "a/items.csv"]) == 3
    assert call(["--ratings", "a/clicks.csv", "--config", str(config)]) == 3
    assert ran == [
        ("movielens-100k", "ratings.csv", True, False, False),
        ("shop", "ratings.csv", False, True, False),
        ("a-clicks", ("clicks.csv", "views.csv"), True, False, True),
        ("shop", "clicks.csv", True, False, False),
    ]


def test_a_command_that_is_stopped_ends_with_status_130(monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    for place, arguments in {
        "pipeline.local.run.run": ["run"],
        "pipeline.commands.datasets.prepare": ["data", "fetch", "movielens-100k"],
    }.items():
        monkeypatch.setattr(place, stop)
        assert atalaya.main(arguments) == 130
        assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--config", "absent.toml"],
        ["submit", "--config", "absent.toml"],
        ["schedule", "set", "0 3 * * *"],
        ["recommend", "--user", "1", "--model", "absent"],
        ["versions", "list", "--serving", "absent"],
    ],
)
def test_what_cannot_be_used_ends_with_status_2_and_a_message(arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert atalaya.main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(["kubeflow", "-o", "pipeline.yaml"], "kubeflow"), (["-o", "pipeline.json", "vertex"], "vertex")],
)
def test_the_pipeline_is_compiled_for_the_platform_that_is_named(monkeypatch, tmp_path, capfd, arguments, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATALAYA_KUBEFLOW_IMAGE", "atalaya:2")
    for platform in ("kubeflow", "vertex"):
        monkeypatch.setattr(
            f"pipeline.{platform}.compile.compile_pipeline",
            lambda settings, path, platform=platform: path.write_text(f"{platform} {settings.kubeflow.image}"),
        )
    assert atalaya.main(["compile", *arguments]) == 0
    [written] = tmp_path.glob("pipeline.*")
    assert written.read_text() == f"{name} atalaya:2"
    assert f"{written.name} holds the pipeline of movielens-100k" in capfd.readouterr().out


def test_a_run_is_submitted(server, config, compiled, capfd):
    assert atalaya.main(["submit", "--config", str(config())]) == 0
    assert len(server.runs) == 1
    assert f"/#/runs/details/{server.runs[0]['run_id']}" in capfd.readouterr().out


def test_a_schedule_is_set_listed_and_removed(server, config, compiled, capfd):
    options = ["--config", str(config())]
    assert atalaya.main(["schedule", "set", NIGHTLY, *options]) == 0
    assert [one["trigger"]["cron_schedule"]["cron"] for one in server.recurring] == [NIGHTLY]
    capfd.readouterr()
    assert atalaya.main(["schedule", "list", *options]) == 0
    assert NIGHTLY in capfd.readouterr().out
    assert atalaya.main(["schedule", "remove", *options]) == 0
    assert server.recurring == []


def test_a_server_that_fails_ends_the_command_with_status_1(server, config, capfd):
    server.faults = [refusing(500, "lost")]
    assert atalaya.main(["schedule", "list", "--config", str(config())]) == 1
    assert "(500: lost)" in capfd.readouterr().err


def test_a_data_set_that_changed_is_reported(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "movielens-100k"
    assert atalaya.main(["data", "check", "movielens-100k"]) == 2
    assert "`atalaya data fetch movielens-100k --folder data`" in capsys.readouterr().err
    folder.mkdir(parents=True)
    (folder / "ratings.csv").write_text("user_id\n")
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(b'user_id' + bytes([10])).hexdigest()}  ratings.csv\n")
    for command in ("check", "fetch"):
        assert atalaya.main(["data", command, "movielens-100k"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "movielens-100k: complete in data/movielens-100k",
        "movielens-100k: already in data/movielens-100k",
    ]
    (folder / "ratings.csv").write_text("item_id\n")
    assert atalaya.main(["data", "check", "movielens-100k"]) == 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        ("| head -n 1", 0, ""),
        ("> /dev/full", 1, "standard output: No space left on device\n"),
        (">&-", 0, ""),
    ],
)
def test_output_that_cannot_be_written_is_no_traceback(monkeypatch, tmp_path, redirection, status, said, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    (tmp_path / "shop" / "1").mkdir(parents=True)
    (tmp_path / "shop" / ("n" * 200)).mkdir()
    command = f'"$0" -m pipeline.commands.main versions list --serving "$1" --json {redirection}'
    process = subprocess.run(["sh", "-c", command, sys.executable, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (status, said)
