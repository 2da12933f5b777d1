import subprocess
import sys
from pathlib import Path

import pytest

import runner

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "--local --kubeflow --vertex"),
        (["--vertex"], "--vertex: with --compile-only and -o FILE"),
        (["--vertex", "--wait"], "--vertex: with --compile-only and -o FILE"),
        (["--kubeflow", "--vertex"], "not allowed with argument --kubeflow"),
        (["--local", "--kubeflow"], "not allowed with argument --local"),
        (["--kubeflow", "--ratings", "r.csv"], "--ratings: only with --local"),
        (["--local", "--items", "i.csv"], "--items: only with --ratings"),
        (["--local", "--wait"], "--wait: not with --local"),
        (["--local", "--schedule", "0 0 3 * * *", "-o", "f"], "--schedule, -o: not with --local"),
        (["--kubeflow", "--compile-only"], "--compile-only needs -o FILE"),
        (["--kubeflow", "-o", "f"], "-o: only with --compile-only"),
        (["--kubeflow", "--wait", "--schedule", "0 0 3 * * *"], "--wait: not with --schedule"),
        (["--kubeflow", "--wait", "--schedule", ""], "--wait: not with --schedule"),
        (["--kubeflow", "--compile-only", "-o", "f", "--wait"], "--wait: not with --compile-only"),
        (["--kubeflow", "--schedule", "0 0 3 * * *", "--unschedule"], "not allowed with argument --schedule"),
        (["--kubeflow", "--list-schedules", "--compile-only"], "not allowed with argument --list-schedules"),
    ],
)
def test_options_that_do_not_go_together_are_named(options, named, capsys):
    with pytest.raises(SystemExit) as ended:
        runner.main(options)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err.replace("\n", " ").replace("arguments ", "")


def test_a_bad_variable_ends_with_status_2(monkeypatch, capsys):
    monkeypatch.setenv("ATALAYA_KUBEFLOW_HOST", "localhost")
    assert runner.main(["--kubeflow", "--list-schedules"]) == 2
    assert capsys.readouterr().err.startswith("ATALAYA_KUBEFLOW_HOST: ")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--kubeflow", "--schedule", "0 3 * * *"], ["--kubeflow", "--config", "absent.toml"]]
)
def test_help_and_bad_settings_load_no_large_library(arguments):
    program = (
        "import sys, runner\ntry:\n    runner.main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print({'kfp', 'kfp_server_api', 'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert ended.stderr.endswith("set()\n"), ended.stderr


def test_a_pipeline_is_written_and_sent_nowhere(tmp_path, monkeypatch, capfd):
    def compile_pipeline(settings, path):
        path.write_text(settings.kubeflow.image)

    monkeypatch.setattr("pipeline.kubeflow.compile.compile_pipeline", compile_pipeline)
    monkeypatch.setenv("ATALAYA_KUBEFLOW_IMAGE", "atalaya:2")
    assert runner.main(["--kubeflow", "--compile-only", "-o", str(tmp_path / "pipeline.yaml")]) == 0
    assert (tmp_path / "pipeline.yaml").read_text() == "atalaya:2"
    assert "pipeline.yaml holds the pipeline of movielens-100k" in capfd.readouterr().out


def test_an_absent_folder_of_the_output_is_noticed_before_the_pipeline_is_compiled(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("pipeline.kubeflow.compile.compile_pipeline", lambda *_: pytest.fail("compiled"))
    assert runner.main(["--kubeflow", "--compile-only", "-o", str(tmp_path / "absent" / "pipeline.yaml")]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"-o {tmp_path}/absent/pipeline.yaml: there is no folder") and "pushed" not in err
