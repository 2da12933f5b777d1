"""Measures a local run of the pipeline on MovieLens 100K: seconds per step, peak memory, and the cost of a second run.

    python -m benchmarks.local_run

Both runs take place in a temporary folder, each in a separate process. The yardstick for the machine of the day is
measured in the same breath: the seconds that importing TensorFlow and TFX takes.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from schemas import layout

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "pipeline" / "configs" / "movielens-100k.toml"


def main() -> None:
    """Runs the pipeline twice and prints what it took."""
    data = ROOT / "data" / "movielens-100k"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "movielens.toml"
        config.write_text(CONFIG.read_text().replace('"data/movielens-100k"', f'"{data}"'))
        first = _run(config, "first run")
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20:.2f} GiB")
        second = _run(config, "second run, nothing changed")
        imports = _seconds(second, "loading TensorFlow and TFX")
        versions = layout.versions(Path(folder) / "serving" / "movielens-100k")
        print(f"second run beyond its imports: {_seconds(second, 'in all') - imports:.1f} s; versions: {len(versions)}")
        print(
            f"first run against its imports: {_seconds(first, 'in all') / _seconds(first, 'loading'):.1f} times as long"
        )
        description = json.loads((versions[0] / layout.EXTRA / f"{layout.RANKING}.json").read_text())
        print(
            f"ranking.tflite: {description['bytes']:,} bytes; largest difference to the SavedModel "
            f"{description['largest_difference']:.1e} on {description['compared']:,} pairs"
        )


def _run(config: Path, title: str) -> str:
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "runner.py"), "--local", "--config", str(config)]
    process = subprocess.run(command, cwd=config.parent, stdout=subprocess.PIPE, text=True, check=True)
    print(f"{title}: {time.monotonic() - started:.1f} s")
    for line in process.stdout.splitlines():
        if line.startswith(("[", "loading", "in all")) and line.split()[-1] != "started":
            print(f"    {line}")
    return process.stdout


def _seconds(output: str, what: str) -> float:
    [line] = [line for line in output.splitlines() if line.startswith(what)]
    return float(line.split()[-2])


if __name__ == "__main__":
    main()
