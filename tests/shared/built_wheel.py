"""The wheel of this project, as installed in a container."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("components", "pipeline", "recommender", "schemas")


def build(folder: Path) -> Path:
    """Builds the wheel from a copy of the sources, so that nothing is written into the checkout."""
    project = folder / "project"
    project.mkdir()
    for name in ("pyproject.toml", "runner.py"):
        shutil.copy(ROOT / name, project)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(project)], check=True)
    (wheel,) = folder.glob("atalaya-*.whl")
    return wheel
