import pytest

from pipeline import kubeflow_step
from pipeline.code_version import sources_version

COMMAND = ["--node", "Trainer", "--run-id", "1", "--ir", "{}"]


def test_an_image_with_other_code_is_refused_before_anything_is_done(capsys):
    command = [*COMMAND, "--code", "0" * 16, "--sqlite", "/nowhere/metadata.sqlite"]
    assert kubeflow_step.main(command) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("Trainer: failed: ") and sources_version() in last and "0" * 16 in last
    assert "from the same sources" in last


def test_without_a_secret_the_variables_are_named(capsys, monkeypatch):
    monkeypatch.setenv("ATALAYA_MYSQL_USER", "somebody")
    monkeypatch.delenv("ATALAYA_MYSQL_PASSWORD", raising=False)
    parsed = kubeflow_step._parser().parse_args([*COMMAND, "--code", "1", "--mysql", "db", "3306", "shops"])
    with pytest.raises(RuntimeError, match=r"^ATALAYA_MYSQL_PASSWORD: not set; .*kubeflow.metadata.secret"):
        kubeflow_step._connection(parsed)


def test_a_store_has_to_be_named():
    with pytest.raises(SystemExit) as ended:
        kubeflow_step.main([*COMMAND, "--code", "1"])
    assert ended.value.code == 2
