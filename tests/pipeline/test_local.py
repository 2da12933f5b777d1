import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import local
from schemas.errors import SettingsError

ROOT = Path(__file__).parents[2]


def test_two_runs_never_work_on_one_root_at_a_time(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom pipeline import local\n"
        "with local._only_run(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(SettingsError, match="another run uses this folder"), local._only_run(tmp_path):
            pass
        # The lock goes with its process, however that ends.
        other.kill()
        other.wait()
    with local._only_run(tmp_path):
        pass
