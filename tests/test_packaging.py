"""The built wheel holds every module and every data file: what it lacks, a container lacks."""

import zipfile
from pathlib import Path

from built_wheel import PACKAGES, ROOT, build

SUFFIXES = {".py", ".toml", ".pbtxt", ".j2"}


def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    wheel = build(tmp_path)
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    expected = {"runner.py"} | {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.suffix in SUFFIXES
    }
    assert held == expected
    assert any(name.startswith("pipeline/configs/") and name.endswith(".toml") for name in held)
