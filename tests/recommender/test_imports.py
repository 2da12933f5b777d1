"""The domain needs no TFX, Beam or Kubeflow."""

import subprocess
import sys
from pathlib import Path

import recommender

SCRIPT = """
import importlib, pkgutil, sys

BLOCKED = {"apache_beam", "kfp", "tfx"}
BLOCKED |= {"tensorflow_data_validation", "tensorflow_model_analysis", "tensorflow_transform"}


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")


sys.meta_path.insert(0, Refuse())
import recommender

names = [module.name for module in pkgutil.walk_packages(recommender.__path__, "recommender.")]
for name in names:
    importlib.import_module(name)
print(len(names), "imported")
"""


def test_every_module_is_imported_without_them() -> None:
    root = Path(recommender.__file__).parent
    expected = sum(1 for path in root.rglob("*.py") if path != root / "__init__.py")
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == [str(expected), "imported"]
