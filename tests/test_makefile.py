import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ["quality", "local_run", "serving"]


@pytest.mark.parametrize("failing", [[], ["quality"], ["quality", "serving"], ["local_run"]])
def test_all_parts_of_the_benchmark_run_and_the_status_comes_at_the_end(tmp_path, failing):
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$@"\ncase "$*" in {"".join(f"*benchmarks.{n}*|" for n in failing)}x) exit 1; esac\n'
    )
    python.chmod(0o755)
    # `data` counts as done.
    command = ["make", "--old-file=data", "bench", f"BIN={shlex.quote(str(tmp_path))}"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    started = [line.split("benchmarks.")[1].split()[0] for line in process.stdout.splitlines()]
    assert started == PARTS
    assert (process.returncode == 0) == (not failing)
    said = f"bench: failed, or missed a floor: {' '.join(failing)}\n"
    assert process.stderr.startswith(said) if failing else not process.stderr
