"""The Dockerfile and what is sent to Docker, read as text: building it takes an engine and gigabytes."""

import re
import shlex
import shutil
import subprocess
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text())
BASE = "python:3.13-slim-trixie"


def _stages() -> list[list[tuple[str, str]]]:
    """The instructions before the first stage, then those of each stage, in order, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM" or not stages:
            stages.append([])
        stages[-1].append((instruction, " ".join(arguments.split())))
    return stages


def _of(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


def test_both_stages_start_from_a_python_and_a_system_that_the_lock_is_for():
    arguments, builder, image = _stages()
    assert _of(arguments, "ARG") == [f"BASE={BASE}"]
    assert _of(builder, "FROM") == ["$BASE AS builder"] and _of(image, "FROM") == ["$BASE"]
    setup = (ROOT / "tools" / "setup.sh").read_text()
    version = re.fullmatch(r"python:(3\.\d+)-slim-trixie", BASE).group(1)
    assert re.search(rf"versions=\({re.escape(version)} [^)]*\) lock=requirements\.txt ", setup)
    assert any(line.endswith(f":: {version}") for line in PROJECT["project"]["classifiers"])


def test_packages_are_those_of_the_lock_by_their_hashes():
    _, builder, image = _stages()
    installs = [command for run in _of(builder, "RUN") for command in run.split(" && ") if "pip install" in command]
    lock, project = installs
    assert all("--no-cache-dir" in command and "--no-deps" in command for command in installs)
    assert "--require-hashes --requirement $LOCK " in lock
    assert lock.endswith(" ${CUDA_LOCK:+--requirement $CUDA_LOCK}")
    assert _of(builder, "ARG") == ["LOCK=requirements.txt", "CUDA_LOCK"]
    assert "--no-build-isolation" in project and project.endswith(" .")
    assert not any("pip " in run or "apt-get" in run for run in _of(image, "RUN"))


@pytest.mark.parametrize("stack", ["", "-py310"])
def test_the_lock_of_cuda_has_what_tensorflow_needs(stack):
    def locked(name: str) -> dict[str, str]:
        text = (ROOT / f"requirements{name}{stack}.txt").read_text()
        return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))

    cuda = locked("-cuda")
    assert all(package.startswith("nvidia-") for package in cuda)
    if locked("")["tensorflow"] != version("tensorflow"):
        pytest.skip("the other stack is installed")
    needed = [Requirement(line) for line in requires("tensorflow") if "and-cuda" in line]
    assert needed and all(requirement.specifier.contains(cuda[requirement.name]) for requirement in needed)


def test_the_tools_of_development_do_not_stay():
    removed = re.search(r"pip uninstall --yes ([\w -]+)", _of(_stages()[1], "RUN")[-2])
    tools = {re.split("[<>=]", line)[0] for line in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert set(removed.group(1).split()) == tools - {"setuptools"}  # which builds the project, and which TFX imports


def test_the_image_runs_steps_as_a_user_without_rights():
    _, _, image = _stages()
    assert _of(image, "USER") == ["1000:1000"] and image.index(("USER", "1000:1000")) > image.index(image[1])
    assert "useradd --uid 1000" in _of(image, "RUN")[0]
    environment = dict(pair.split("=", 1) for line in _of(image, "ENV") for pair in line.split())
    assert environment == {
        "PATH": "/opt/atalaya/bin:$PATH",
        "PYTHONUNBUFFERED": "1",
        "TF_USE_LEGACY_KERAS": "1",
    }
    assert _of(image, "COPY") == ["--from=builder /opt/atalaya /opt/atalaya"]
    assert _of(image, "ENTRYPOINT") == ['["python"]']


def test_what_is_copied_is_the_project_and_nothing_of_this_machine():
    _, builder, _ = _stages()
    copied = {name.rstrip("/") for arguments in _of(builder, "COPY") for name in arguments.split()[:-1]}
    packages = {name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    modules = {f"{name}.py" for name in PROJECT["tool"]["setuptools"]["py-modules"]}
    assert copied == packages | modules | {"pyproject.toml", "README.md", "LICENSE", "$LOCK", "$CUDA_LOCK"}
    locks = {f"requirements{kind}{stack}.txt" for kind in ("", "-cuda") for stack in ("", "-py310")}
    copied = copied - {"$LOCK", "$CUDA_LOCK"} | locks
    assert all((ROOT / name).exists() for name in copied)

    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    # All is left out, but for what is copied: data/, artifacts/, serving/, .git and .env files of any name among it.
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    # Within the packages nothing is left out but compiled files, so that each has its .toml, .pbtxt and .j2.
    assert [line for line in lines[1:] if not line.startswith("!")] == ["**/__pycache__"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(
    ("python", "base", "stack"),
    [("3.10", "python:3.10-slim-bookworm", "-py310"), ("3.12", BASE, ""), ("3.13", BASE, "")],
)
def test_make_image_builds_it_of_the_stack_of_the_environment_under_the_name_given(tmp_path, python, base, stack):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho {python}\n")
    program.chmod(0o755)
    command = ["make", "--dry-run", "image", "IMAGE=shop:1", f"BIN={shlex.quote(str(tmp_path))}"]
    build = f"docker build --tag shop:1 --build-arg BASE={base} --build-arg LOCK=requirements{stack}.txt"
    for more, expected in (([], build), (["GPU=1"], f"{build} --build-arg CUDA_LOCK=requirements-cuda{stack}.txt")):
        done = subprocess.run([*command, *more], cwd=ROOT, check=True, capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == f"{expected} ."
