"""Measures a local run of the pipeline on MovieLens 100K: quality, seconds per step, peak memory, and a second run.

    python -m benchmarks.local_run

Both runs use `build/local_run`, which is emptied first, each in a separate process; `benchmarks.serving` measures the
version that they push. --jobs limits the steps that run at the same time. The exit status is 1 if a floor is missed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.results import Verdict, format_verdicts
from benchmarks.watching import Watch
from pipeline.local.run import PUSHED, REFUSED
from schemas import layout, model_card, on_device_record

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "pipeline" / "configs" / "movielens-100k.toml"
FOLDER = ROOT / "build" / "local_run"
SERVING = FOLDER / "serving" / "movielens-100k"
"""Where the runs push."""
LARGEST_RANKING_BYTES, LARGEST_RETRIEVAL_BYTES = 400_000, 8_000_000
ON_DEVICE = ["float32", "dynamic_range"]
FEWEST_PAIRS, LARGEST_DIFFERENCE = 1_000, 1e-4


def main() -> int:
    """Runs the pipeline twice and prints what it took, and whether the model reaches its floors.

    Returns:
      The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_run", description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, help="steps at the same time (default: as many as cores)")
    jobs = parser.parse_args().jobs
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    config = FOLDER / "movielens.toml"
    data = ROOT / "data" / "movielens-100k"
    settings = CONFIG.read_text().replace('"data/movielens-100k"', f'"{data}"')
    config.write_text(settings + (f"[local]\njobs = {jobs}\n" if jobs else ""))
    _run(config, "first run")
    _run(config, "second run, nothing changed")
    versions = layout.versions(SERVING)
    pushed = Verdict(f"versions pushed {len(versions)}, exactly 1", len(versions) == 1)
    verdicts = [pushed, *(against_floors(versions[0]) if versions else [])]
    print(format_verdicts(verdicts))
    return 0 if all(verdict.met for verdict in verdicts) else 1


def against_floors(version: Path) -> list[Verdict]:
    """A pushed version of MovieLens 100K against what it has to reach.

    Args:
      version: its folder.
    """
    evaluation = model_card.read(version).evaluation
    verdicts = [Verdict(f"anomalies in the data {len(evaluation.anomalies)}, none", not evaluation.anomalies)]
    for metric in ("lift_over_popularity", "lift_over_bias"):
        lift = evaluation.value(metric)
        assert lift is not None
        text = f"{metric} {lift.value:.4f}, from {lift.lower:.4f}, above 0 beyond chance"
        verdicts.append(Verdict(text, lift.lower > 0))
    ranking, retrieval = (_description(version, name) for name in (layout.RANKING, layout.RETRIEVAL))
    verdicts += [
        _at_most("ranking.tflite, bytes", ranking["bytes"], LARGEST_RANKING_BYTES),
        _at_most("ranking.tflite, largest difference", ranking["largest_difference"], LARGEST_DIFFERENCE),
        Verdict(
            f"ranking.tflite, pairs {ranking['compared']:,}, at least {FEWEST_PAIRS:,}",
            ranking["compared"] >= FEWEST_PAIRS,
        ),
        _at_most("retrieval.tflite, bytes", retrieval["bytes"], LARGEST_RETRIEVAL_BYTES),
        Verdict(f"retrieval.tflite, agreement {retrieval['agreement']:g}, exactly 1", retrieval["agreement"] == 1.0),
    ]
    exported = [variant.variant for record in on_device_record.read(version) for variant in record.exported]
    text = f"on-device files {', '.join(exported) or 'none'}, exactly {', '.join(ON_DEVICE)}"
    return [*verdicts, Verdict(text, exported == ON_DEVICE)]


def _description(version: Path, name: str) -> dict[str, float]:
    return json.loads((version / layout.EXTRA / f"{name}.json").read_text())


def _at_most(what: str, value: float, most: float) -> Verdict:
    return Verdict(f"{what} {value:,}, at most {most:,}", value <= most)


def _run(config: Path, title: str) -> None:
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "runner.py"), "--local", "--config", str(config)]
    process = subprocess.Popen(command, cwd=config.parent, stdout=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    output, _ = process.communicate()
    watch.stop()
    seconds, (processor, memory) = time.monotonic() - started, watch.total()
    print(f"{title}: {seconds:.1f} s, {processor:.1f} processor s, at most {memory:.2f} GiB")
    if process.returncode not in (PUSHED, REFUSED):
        sys.exit(f"{title}: failed with status {process.returncode}:\n{output[-2000:]}")
    if process.returncode == REFUSED:
        print(output[-2000:])
    for line in output.splitlines():
        if line.startswith(("[", "loading", "in all")) and line.split()[-1] != "started":
            print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
