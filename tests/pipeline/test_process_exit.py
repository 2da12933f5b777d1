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


def test_a_closed_output_does_not_change_the_status():
    program = "import sys; from pipeline.process_exit import leave; print('out'); leave(3)"
    for redirection in (">&-", "2>&-"):
        command = ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, program]
        process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert (process.returncode, process.stderr) == (3, ""), redirection
