"""The pages name what is there: files, headings, settings, commands and modules."""

import importlib.util
import re
from pathlib import Path

import pytest
import tomli

from pipeline.commands.main import COMMANDS
from schemas.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FOLDERS = (
    "benchmarks/",
    "components/",
    "deploy/",
    "docs/",
    "pipeline/",
    "recommender/",
    "schemas/",
    "tests/",
    "tools/",
)

pytestmark = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in _anchors(target), f"{page.name} links to {link}"


def test_paths_in_prose_exist(page: Path) -> None:
    named = re.findall(r"`([\w./-]+)`", _prose(page))
    for path in (path for path in named if path.startswith(FOLDERS) and "NAME" not in path):
        assert (ROOT / path).exists() or (ROOT / f"{path}.example").exists(), f"{page.name} names {path}"


def test_settings_are_accepted(page: Path) -> None:
    for block in _blocks(page, "toml"):
        given = tomli.loads(block)
        needed = {"name": "docs"} | given | {"data": {"folder": "data"} | given.get("data", {})}
        Settings.model_validate(needed)


def test_make_knows_its_targets(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"`make\s([a-z-]+)", page.read_text(encoding="utf-8"))
    for block in _blocks(page, "bash"):
        named += re.findall(r"(?:^|&& )make ([a-z-]+)", block, re.MULTILINE)
    assert set(named) <= targets


def test_modules_that_are_run_exist(page: Path) -> None:
    for module in re.findall(
        r"python(?: -W ignore)? -m ((?:pipeline|benchmarks)[\w.]*)", page.read_text(encoding="utf-8")
    ):
        assert importlib.util.find_spec(module), f"{page.name} runs {module}"


def test_atalaya_knows_its_commands(page: Path) -> None:
    named = re.findall(r"(?:`|bin/)atalaya ([a-z]+)", page.read_text(encoding="utf-8"))
    assert set(named) <= set(COMMANDS)
