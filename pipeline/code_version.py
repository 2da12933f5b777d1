"""A step's code as a part of its cache key.

TFX reuses a step's result when its inputs and parameters are the same; it does not look at the code. So each of our
steps has a parameter that is a hash of the sources it runs and of TFX's version, which keeps the results of the two
stacks apart.
"""

import ast
import hashlib
from importlib.metadata import version
from pathlib import Path

import schemas

_OURS = ("components", "recommender", "schemas")
# A step receives its settings as a parameter, complete, so their values are in its cache key already: a new default of
# the Trainer must not make the data steps run again.
_COVERED = "schemas.settings"
_SOURCES = (".py", ".pbtxt")
_ROOT = Path(schemas.__file__).parents[1]


def code_version(module: str) -> str:
    """Hash of TFX's version, of a module's source and of every module of ours that it imports, directly or not.

    Args:
      module: dotted name, under `components`, `recommender` or `schemas`.
    """
    digest = hashlib.sha256(tfx_version().encode())
    for path in sorted(_reachable(module, {})):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def file_version(path: Path) -> str:
    """Hash of one file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def tfx_version() -> str:
    """The version of the installed TFX."""
    return version("tfx")


def sources_version(*more: str) -> str:
    """Hash of all sources of the steps, and of more packages, then a `+` and TFX's version.

    It is the same for a checkout and for the package installed from it.
    """
    digest = hashlib.sha256()
    for path in sorted(
        path for name in (*_OURS, *more) for path in (_ROOT / name).rglob("*") if path.suffix in _SOURCES
    ):
        digest.update(str(path.relative_to(_ROOT)).encode())
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:16]}+{tfx_version()}"


def _reachable(module: str, found: dict[Path, str]) -> dict[Path, str]:
    path = _source(module)
    if path is None or path in found or module.startswith(_COVERED):
        return found
    found[path] = module
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in _imported(node):
            if name.split(".")[0] in _OURS:
                _reachable(name, found)
    return found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        # `from components.models import two_tower` names a module, `from schemas.errors import DataError` does not.
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _source(module: str) -> Path | None:
    """The module's file, found by path: importlib would import the parents of a name that may be a function's."""
    path = _ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)
