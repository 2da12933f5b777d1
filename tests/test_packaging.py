"""The built wheel holds every module and every data file: what it lacks, a container lacks."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("components", "pipeline", "schemas")
SUFFIXES = {".py", ".toml", ".pbtxt", ".j2"}


def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "runner.py"):
        shutil.copy(ROOT / name, project)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(project)], check=True)
    (wheel,) = tmp_path.glob("atalaya-*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    expected = {"runner.py"} | {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.suffix in SUFFIXES
    }
    assert held == expected
    assert any(name.startswith("pipeline/configs/") and name.endswith(".toml") for name in held)
