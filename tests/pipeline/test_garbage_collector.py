import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# In a separate process: the collector's state is that of the whole process.
PROGRAM = """
import gc
from pipeline.garbage_collector import loading

collections = []
gc.callbacks.append(lambda phase, _: collections.append(phase))
before = [[] for _ in range(50_000)]
assert collections, "Python no longer collects while objects are made: the trick is not needed"
collections.clear()
with loading():
    imported = [[] for _ in range(50_000)]
    imported.append(imported)
later = [[] for _ in range(50_000)]
assert not collections and gc.isenabled()
assert gc.get_freeze_count() >= 100_000
# Two cycles that nothing refers to: the frozen one stays, the later one is found.
later.append(later)
del imported, later
assert 50_000 < gc.collect() < 60_000
"""


def test_what_was_imported_is_exempt_from_collection_and_the_rest_is_collected_rarely():
    process = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
