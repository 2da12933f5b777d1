"""Compares the index with exact retrieval in a separate process, as in a server.

`measure` starts the process, which runs this file as a program.
"""

import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def measure(exact: Path, index: Path, users: np.ndarray, k: int, imports: list[str]) -> dict[str, float]:
    """Retrieves the best items of sampled users with both models in turn, and compares them.

    Args:
      exact: folder of the SavedModel whose `retrieve` is exact.
      index: folder of the SavedModel of the index.
      users: [n] ids; each is a batch of one.
      k: number of items to retrieve.
      imports: modules that register the index's operators; apart from these, the process imports only TensorFlow.

    Returns:
      `recall`: mean share of the exactly retrieved items that the index finds too, in [0, 1], over the users with any
      such item; NaN if there is no such user. `latency_p50_ms`, `latency_p99_ms`, `exact_latency_p50_ms` and
      `exact_latency_p99_ms`: milliseconds per call.

    Raises:
      RuntimeError: the process failed; the message ends with its error output.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "users.npy", np.array(users, np.bytes_))
        command = [sys.executable, "-W", "ignore", __file__, str(exact), str(index), folder, str(k), *imports]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            raise RuntimeError(f"{index} cannot be loaded or called: {process.stderr.strip()[-2000:]}")
        return json.loads((Path(folder) / "measures.json").read_text())


def _main(exact: str, index: str, folder: str, k: str, *imports: str) -> None:
    import tensorflow as tf

    for module in imports:
        importlib.import_module(module)
    models = {"exact": tf.saved_model.load(exact), "index": tf.saved_model.load(index)}
    count = tf.constant(int(k))
    users = [tf.constant([user]) for user in np.load(Path(folder) / "users.npy").tolist()]
    for model in models.values():
        for user in users[:10]:
            model.retrieve(user, k=count)
    seconds: dict[str, list[float]] = {name: [] for name in models}
    recalls = []
    for user in users:
        found = {}
        for name, model in models.items():
            started = time.perf_counter()
            found[name] = set(model.retrieve(user, k=count)["item_id"].numpy()[0].tolist()) - {b""}
            seconds[name].append(time.perf_counter() - started)
        if found["exact"]:
            recalls.append(len(found["exact"] & found["index"]) / len(found["exact"]))
    measures = {"recall": sum(recalls) / len(recalls) if recalls else float("nan")}
    for name, prefix in (("index", ""), ("exact", "exact_")):
        for percentile in (50, 99):
            milliseconds = 1e3 * float(np.percentile(seconds[name], percentile))
            measures[f"{prefix}latency_p{percentile}_ms"] = milliseconds
    (Path(folder) / "measures.json").write_text(json.dumps(measures))


if __name__ == "__main__":
    _main(*sys.argv[1:])
