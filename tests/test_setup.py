"""Which stack `make setup` chooses, what it says where none fits, and when it installs; uv is a stand-in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


class _System:
    """A system of programs that are made up, with a copy of the project's set-up."""

    def __init__(self, folder: Path):
        """Copies what the set-up reads to `folder`."""
        self.folder = folder
        (folder / "tools").mkdir()
        (folder / "bin").mkdir()
        for name in ("tools/setup.sh", "pyproject.toml", "requirements.txt", "requirements-py310.txt"):
            shutil.copy(ROOT / name, folder / name)
        self.program("uv", UV)
        self.program("c++", "")

    def program(self, name: str, lines: str) -> Path:
        """Puts a program on PATH."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
        return path

    def run(self, libc: str, machine: str = "x86_64", **variables: str) -> subprocess.CompletedProcess:
        """Sets up on a system with that C library and processor."""
        self.program("getconf", f"echo '{libc}'" if libc else "exit 1")
        self.program("uname", f"echo 'Linux {machine}'")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(self.folder), "LC_ALL": "C", "LOG": str(self.folder / "log")}
        command = ["bash", str(self.folder / "tools" / "setup.sh")]
        return subprocess.run(command, env=environment | variables, capture_output=True, text=True)

    def refusal(self, *arguments: str, **variables: str) -> str:
        """The one line with which the set-up fails, before it makes anything."""
        process = self.run(*arguments, **{"PYTHON": "no-such-python"} | variables)
        assert process.returncode == 1 and process.stderr.count("\n") == 1, process
        assert not (self.folder / ".venv").exists()
        return process.stderr

    def calls(self) -> list[str]:
        """What uv was called for since the last time."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


# Makes an environment of an interpreter that says which one it comes from, removing what was there, and puts itself in.
UV = """
case "$*" in
  venv*) echo "venv of $6" >>"$LOG"; rm -rf .venv; mkdir -p .venv/bin
    printf '#!/bin/sh\\necho %s\\n' "$6" >.venv/bin/python; chmod +x .venv/bin/python ;;
  'pip sync'*) echo "sync" >>"$LOG"; cp "$0" .venv/bin/uv ;;
esac"""
NEW, OLD = "glibc 2.41", "glibc 2.36"


@pytest.fixture
def system(tmp_path) -> _System:
    return _System(tmp_path)


@pytest.fixture
def pythons(system) -> list[str]:
    """Two interpreters that fit; each says its own path."""
    return [str(system.program(name, 'cat >/dev/null; echo "$0"')) for name in ("python-a", "python-b")]


def test_it_says_what_it_takes_and_why_and_does_nothing_the_second_time(system, pythons):
    first = system.run(NEW, PYTHON=pythons[0])
    assert first.returncode == 0, first
    what, why = first.stdout.splitlines()[0].split(", because ")
    assert what == "set-up: TFX 1.21 on Python 3.13 or 3.12 (requirements.txt)"
    assert why == "this system's glibc 2.41 is 2.39 or newer"
    assert system.calls() == [f"venv of {pythons[0]}", "sync"]
    second = system.run(NEW, PYTHON=pythons[0])
    assert (second.returncode, second.stdout, second.stderr, system.calls()) == (0, "", "", [])


def test_another_lock_is_installed_by_the_environments_own_uv(system, pythons):
    system.run(NEW, PYTHON=pythons[0])
    system.calls()
    (system.folder / "bin" / "uv").unlink()
    changed = system.run(NEW, PYTHON=pythons[0], ATALAYA_STACK="py310")
    assert changed.returncode == 0, changed
    assert "TFX 1.16 on Python 3.10 (requirements-py310.txt), because ATALAYA_STACK is set" in changed.stdout
    assert system.calls() == ["sync"]


def test_an_interpreter_that_does_not_fit_is_replaced_though_uv_is_in_its_environment(system, pythons):
    system.run(NEW, PYTHON=pythons[0])
    system.calls()
    (system.folder / "bin" / "uv").unlink()
    (system.folder / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    assert system.run(NEW, PYTHON=pythons[0]).returncode == 0
    assert system.calls() == [f"venv of {pythons[0]}", "sync"]


def test_another_interpreter_takes_the_place_of_the_present_one(system, pythons):
    for python in pythons:
        assert system.run(NEW, PYTHON=python).returncode == 0
    assert system.calls() == [f"venv of {pythons[0]}", "sync", f"venv of {pythons[1]}", "sync"]


@pytest.mark.parametrize(
    ("libc", "stack", "expected"),
    [
        ("glibc 2.41", "", "name a Python 3.13 or 3.12, "),
        ("glibc 2.39", "", "name a Python 3.13 or 3.12, "),
        ("glibc 2.38", "", "name a Python 3.10, "),
        ("glibc 2.4", "", "name a Python 3.10, "),
        ("glibc 2.41", "py310", "name a Python 3.10, "),
    ],
)
def test_the_newer_stack_is_taken_where_the_c_library_allows_it(system, libc, stack, expected):
    assert f"PYTHON=no-such-python is not a program; {expected}" in system.refusal(libc, ATALAYA_STACK=stack)


@pytest.mark.parametrize(
    ("libc", "machine", "stack", "expected"),
    [
        (
            "glibc 2.36",
            "x86_64",
            "py313",
            "ATALAYA_STACK=py313 needs glibc 2.39 or newer, and this system has 2.36; give ATALAYA_STACK=py310",
        ),
        ("glibc 2.41", "x86_64", "py311", "ATALAYA_STACK must be py313 or py310, and is 'py311'"),
        ("glibc 2.41", "aarch64", "", "x86_64, and this is Linux aarch64 with glibc 2.41"),
        ("", "x86_64", "", "with glibc on x86_64, and this is Linux x86_64;"),
    ],
)
def test_what_no_stack_runs_on_is_said_at_once(system, libc, machine, stack, expected):
    assert expected in system.refusal(libc, machine, ATALAYA_STACK=stack)


def test_an_interpreter_of_the_other_stack_is_refused_by_its_version(system):
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    libc, wanted = (NEW, "3.13 or 3.12") if mine == "3.10" else (OLD, "3.10")
    said = system.refusal(libc, PYTHON=sys.executable)
    assert f"PYTHON={sys.executable} is Python {mine}, and the stack" in said and f"needs Python {wanted} with" in said


def test_each_stack_locks_what_the_project_asks_for_with_hashes():
    for lock, tfx in (("requirements.txt", "1.21"), ("requirements-py310.txt", "1.16")):
        lines = (ROOT / lock).read_text().splitlines()
        packages = [line for line in lines if line[:1].isalnum()]
        assert any(line.startswith(f"tfx=={tfx}.") for line in packages)
        assert all(line.endswith("\\") for line in packages), "each is followed by its hashes"
        assert not any("://" in line for line in lines), "no lock names a package index"
