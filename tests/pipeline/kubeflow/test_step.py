import json
import logging
from types import SimpleNamespace

import pytest

from pipeline import code_version
from pipeline.code_version import sources_version, tfx_version
from pipeline.kubeflow import step as kubeflow_step
from pipeline.node import Node
from pipeline.reporting import progress

COMMAND = ["--node", "Trainer", "--run-id", "1", "--ir", "{}"]


def test_an_image_with_other_code_is_refused_before_anything_is_done(capsys):
    other = f"{'0' * 16}+{tfx_version()}"
    command = [*COMMAND, "--code", other, "--sqlite", "/nowhere/metadata.sqlite"]
    assert kubeflow_step.main(command) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Trainer: failed: ") and sources_version() in last and other in last
    assert "from the same sources" in last


def test_an_image_of_the_other_stack_is_refused_by_its_name(capsys, monkeypatch):
    monkeypatch.setattr(code_version, "version", {"tfx": "1.16.0"}.get)
    command = [*COMMAND, "--code", sources_version(), "--sqlite", "/nowhere/metadata.sqlite"]
    monkeypatch.setattr(code_version, "version", {"tfx": "1.21.0"}.get)
    assert kubeflow_step.main(command) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "the image has TFX 1.21.0, the pipeline was compiled with TFX 1.16.0: build the image for the same" in last


def test_without_a_secret_the_variables_are_named(capsys, monkeypatch):
    monkeypatch.setenv("ATALAYA_MYSQL_USER", "somebody")
    monkeypatch.delenv("ATALAYA_MYSQL_PASSWORD", raising=False)
    parsed = kubeflow_step._parser().parse_args([*COMMAND, "--code", "1", "--mysql", "db", "3306", "shops"])
    with pytest.raises(RuntimeError, match=r"^ATALAYA_MYSQL_PASSWORD: not set; .*kubeflow.metadata.mysql.secret"):
        kubeflow_step._connection(parsed)


def test_a_store_has_to_be_named():
    with pytest.raises(SystemExit) as ended:
        kubeflow_step.main([*COMMAND, "--code", "1"])
    assert ended.value.code == 2


def test_a_run_without_an_id_of_its_own_is_refused(capsys):
    command = ["--node", "Trainer", "--run-id", "{{$.pipeline_job_uuid}}", "--ir", "{}", "--code", sources_version()]
    assert kubeflow_step.main([*command, "--sqlite", "/nowhere/metadata.sqlite"]) == 1
    assert "version 2.5 or newer is needed" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("seconds", "shown"), [(60.0, False), (0.0, True)])
def test_progress_is_a_line_once_a_minute(capsys, monkeypatch, tmp_path, seconds, shown):
    def launch(options):
        logging.getLogger("atalaya").debug("epoch 1/2: 3 of 10", extra={"progress": ("epoch 1/2", 3, 10)})
        return Node({}, reused=False)

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", seconds)
    monkeypatch.setattr(kubeflow_step, "_launch", launch)
    assert kubeflow_step.main([*COMMAND, "--code", sources_version(), "--sqlite", str(tmp_path / "store")]) == 0
    assert ("epoch 1/2: 3 of 10" in capsys.readouterr().out) == shown


def test_a_summary_that_cannot_be_written_fails_no_step(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(kubeflow_step, "_launch", lambda options: Node({}, reused=False))
    command = [*COMMAND, "--code", sources_version(), "--sqlite", str(tmp_path / "store")]
    command += ["--summary", str(tmp_path / "summary")]
    assert kubeflow_step.main(command) == 0
    printed = capsys.readouterr()
    assert "Trainer: ran in 0 s" in printed.out
    assert "Trainer: no summary: KeyError" in printed.err


def test_the_page_of_the_data_is_written_and_logged(capsys, monkeypatch, tmp_path):
    summed = {
        "files": {"a.csv": {"rows": 10, "rejected": 0, "left_out": 0}},
        "splits": {},
        "ratings": {"rows": 10, "rated": 0, "timed": 0},
        "repeats": {"merged": 0, "replaced": 0, "left_out": 0},
        "notes": [["empty-file", "b.csv", 0, "", 0]],
    }
    (tmp_path / "summary.json").write_text(json.dumps(summed))
    examples = SimpleNamespace(uri=str(tmp_path))
    monkeypatch.setattr(kubeflow_step, "_launch", lambda options: Node({"examples": [examples]}, reused=False))
    command = ["--node", "RatingsExampleGen", *COMMAND[2:], "--code", sources_version()]
    command += ["--sqlite", str(tmp_path / "store"), "--summary", str(tmp_path / "pages" / "summary")]
    assert kubeflow_step.main(command) == 0
    for page in ((tmp_path / "pages" / "summary").read_text(), capsys.readouterr().out):
        assert "- empty-file: b.csv: the file has no rows and is left out" in page
