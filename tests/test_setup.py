"""Which stack `make setup` chooses, and what it says where none fits; nothing is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def set_up(tmp_path):
    """Runs the set-up of a copy on a system with that C library and processor, until it asks for the interpreter."""
    (tmp_path / "tools").mkdir()
    for name in ("tools/setup.sh", "pyproject.toml", "requirements.txt", "requirements-py310.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / "bin"
    programs.mkdir()

    def program(name: str, line: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)

    def run(libc: str, machine: str = "x86_64", **variables: str) -> str:
        program("getconf", f"echo '{libc}'" if libc else "exit 1")
        program("uname", f"echo 'Linux {machine}'")
        program("uv", "exit 0")
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHON": "no-such-python"}
        process = subprocess.run(
            ["bash", str(tmp_path / "tools" / "setup.sh")], env=environment | variables, capture_output=True, text=True
        )
        assert process.returncode == 1 and process.stderr.count("\n") == 1, process
        assert not (tmp_path / ".venv").exists()
        return process.stderr

    return run


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
def test_the_newer_stack_is_taken_where_the_c_library_allows_it(set_up, libc, stack, expected):
    assert f"PYTHON=no-such-python is not a program; {expected}" in set_up(libc, ATALAYA_STACK=stack)


@pytest.mark.parametrize(
    ("libc", "machine", "stack", "expected"),
    [
        (
            "glibc 2.36",
            "x86_64",
            "py313",
            "ATALAYA_STACK=py313 needs glibc 2.39 or newer, and this system has 2.36; unset",
        ),
        ("glibc 2.41", "x86_64", "py311", "ATALAYA_STACK must be py313 or py310, and is 'py311'"),
        ("glibc 2.41", "aarch64", "", "x86_64 alone, and this is Linux aarch64 with glibc 2.41"),
        ("", "x86_64", "", "with glibc on x86_64 alone, and this is Linux x86_64;"),
    ],
)
def test_what_no_stack_runs_on_is_said_at_once(set_up, libc, machine, stack, expected):
    assert expected in set_up(libc, machine, ATALAYA_STACK=stack)


def test_an_interpreter_of_the_other_stack_is_refused_by_its_version(set_up):
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    libc, wanted = ("glibc 2.41", "3.13 or 3.12") if mine == "3.10" else ("glibc 2.36", "3.10")
    said = set_up(libc, PYTHON=sys.executable)
    assert f"PYTHON={sys.executable} is Python {mine}, and the stack" in said and f"takes Python {wanted} with" in said


def test_each_stack_locks_what_the_project_asks_for_with_hashes():
    for lock, tfx in (("requirements.txt", "1.21"), ("requirements-py310.txt", "1.16")):
        lines = (ROOT / lock).read_text().splitlines()
        packages = [line for line in lines if line[:1].isalnum()]
        assert any(line.startswith(f"tfx=={tfx}.") for line in packages)
        assert all(line.endswith("\\") for line in packages), "each is followed by its hashes"
        assert not any("://" in line for line in lines), "no lock names a package index"
