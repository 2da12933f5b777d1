from pathlib import Path

import pytest

from pipeline import code_version as versions


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    room = tmp_path / "imagined" / "room"
    room.mkdir(parents=True)
    for name in (room.parent / "__init__.py", room / "__init__.py"):
        name.touch()
    (room / "executor.py").write_text("import os\nfrom imagined.room import pure\nfrom imagined.shared import thing\n")
    (room / "pure.py").write_text("x = 1\n")
    (room.parent / "shared.py").write_text("thing = 2\n")
    (room.parent / "elsewhere.py").write_text("y = 3\n")
    monkeypatch.setattr(versions, "_ROOT", tmp_path)
    monkeypatch.setattr(versions, "_OURS", ("imagined",))
    return room.parent


@pytest.mark.parametrize("file", ["room/executor.py", "room/pure.py", "shared.py"])
def test_an_edit_of_what_a_step_runs_changes_its_version(project, file):
    before = versions.code_version("imagined.room.executor")
    path = project / file
    path.write_text(path.read_text() + "# edited\n")
    assert versions.code_version("imagined.room.executor") != before


def test_the_versions_differ_between_the_stacks(project, monkeypatch):
    older = versions.code_version("imagined.room.executor"), versions.sources_version()
    monkeypatch.setattr(versions, "version", {"tfx": "9.8.7"}.get)
    newer = versions.code_version("imagined.room.executor"), versions.sources_version()
    assert older[0] != newer[0]
    assert newer[1] == older[1].partition("+")[0] + "+9.8.7"


def test_the_version_of_all_sources_knows_every_file_and_its_name(project):
    before = versions.sources_version()
    (project / "room" / "notes.txt").write_text("no source")
    assert versions.sources_version() == before
    (project / "elsewhere.py").rename(project / "aside.py")
    moved = versions.sources_version()
    (project / "aside.py").write_text("y = 4\n")
    assert len({before, moved, versions.sources_version()}) == 3


def test_an_edit_elsewhere_does_not(project):
    before = versions.code_version("imagined.room.executor")
    (project / "elsewhere.py").write_text("y = 4\n")
    assert versions.code_version("imagined.room.executor") == before


@pytest.mark.parametrize(
    ("module", "reached", "not_reached"),
    [
        ("components.example_gen.executor", "encoding.py", "two_tower.py"),
        ("components.transform.preprocessing", "preprocessing.py", "encoding.py"),
        ("components.trainer.run", "two_tower.py", "gate.py"),
        # An edit of the verdict's or the card's form must not train anew.
        ("components.trainer.run", "training_record.py", "verdict.py"),
        ("components.sequence_trainer.executor", "sequence.py", "fit_network.py"),
        ("components.sequence_trainer.executor", "context_encoders.py", "two_tower.py"),
        ("components.pusher.executor", "folder.py", "two_tower.py"),
        ("components.tflite_exporter.executor", "verify.py", "two_tower.py"),
        ("components.evaluator.component", "gate.py", "two_tower.py"),
        ("components.pusher.executor", "executor.py", "gate.py"),
        ("components.batch.executor", "known_users.py", "recommender.py"),
    ],
)
def test_a_step_reaches_its_own_code_and_no_other_steps(module, reached, not_reached):
    names = {path.name for path in versions._reachable(module, {})}
    assert reached in names and not_reached not in names and "loading.py" not in names


def test_the_real_steps_reach_what_they_run():
    reached = {path.name for path in versions._reachable("components.evaluator.component", {})}
    assert {
        "component.py",
        "executor.py",
        "evaluation.py",
        "gate.py",
        "metrics.py",
        "judging.py",
        "neighbours.py",
    } <= reached
    assert "preprocessing.py" not in reached
