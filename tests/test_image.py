"""The Dockerfile and what is sent to Docker, read as text: building it takes an engine and gigabytes."""

import re
from pathlib import Path

import tomli

ROOT = Path(__file__).parents[1]
PROJECT = tomli.loads((ROOT / "pyproject.toml").read_text())
BASE = "python:3.10-slim-bookworm"


def _stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, in order, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            stages.append([])
        stages[-1].append((instruction, " ".join(arguments.split())))
    return stages


def _of(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [arguments for name, arguments in stage if name == instruction]


def test_both_stages_start_from_the_projects_python():
    builder, image = _stages()
    assert _of(builder, "FROM") == [f"{BASE} AS builder"] and _of(image, "FROM") == [BASE]
    version = (ROOT / ".python-version").read_text().strip()
    assert BASE.startswith(f"python:{version}-") and f">={version}" in PROJECT["project"]["requires-python"]


def test_packages_are_those_of_the_lock_by_their_hashes():
    builder, image = _stages()
    installs = [command for run in _of(builder, "RUN") for command in run.split(" && ") if "pip install" in command]
    lock, project = installs
    assert all("--no-cache-dir" in command and "--no-deps" in command for command in installs)
    assert "--require-hashes" in lock and lock.endswith("--requirement requirements.txt")
    assert "--no-build-isolation" in project and project.endswith(" .")
    assert not any("pip " in run or "apt-get" in run for run in _of(image, "RUN"))


def test_the_tools_of_development_do_not_stay():
    removed = re.search(r"pip uninstall --yes ([\w -]+)", _of(_stages()[0], "RUN")[-2])
    tools = {re.split("[<>=]", line)[0] for line in PROJECT["project"]["optional-dependencies"]["dev"]}
    assert set(removed.group(1).split()) == tools - {"setuptools"}  # which builds the project, and which TFX imports


def test_the_image_runs_steps_as_nobody_in_particular():
    _, image = _stages()
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
    builder, _ = _stages()
    copied = {name.rstrip("/") for arguments in _of(builder, "COPY") for name in arguments.split()[:-1]}
    packages = {name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    modules = {f"{name}.py" for name in PROJECT["tool"]["setuptools"]["py-modules"]}
    assert copied == packages | modules | {"pyproject.toml", "README.md", "LICENSE", "requirements.txt"}
    assert all((ROOT / name).exists() for name in copied)

    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    # All is left out, but for what is copied: data/, artifacts/, serving/, .git and .env files of any name among it.
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    # Within the packages nothing is left out but compiled files, so that each has its .toml, .pbtxt and .j2.
    assert [line for line in lines[1:] if not line.startswith("!")] == ["**/__pycache__"]


def test_make_image_builds_it_under_the_name_given():
    lines = (ROOT / "Makefile").read_text().splitlines()
    rule = next(number for number, line in enumerate(lines) if line.startswith("image:"))
    assert lines[rule + 1] == "\t@docker build --tag $(IMAGE) ."
    assert any(line.startswith("IMAGE ?= ") for line in lines)
