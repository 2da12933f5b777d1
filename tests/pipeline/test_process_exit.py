import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import atexit, sys
from pipeline.process_exit import leave

atexit.register(print, "shut down")
sys.stdout.write("out"), sys.stderr.write("err")
leave(3)
"""


def test_all_output_is_written_and_nothing_is_torn_down():
    process = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (3, "out", "err")
