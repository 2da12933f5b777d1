"""Runs a TFLite model on many windows, one call at a time, in a process without TensorFlow, as on a phone.

`replay` starts the process, which runs this file as a program and imports only numpy and LiteRT.
"""

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_WARM_UP, _CALLS, _ROUNDS = 200, 1_000, 20
_DISTINCT = 100
"""Number of windows whose calls are timed in turn."""


class Replayed(NamedTuple):
    """The answers of a TFLite model to n windows, and its latency.

    item, score: [n, k]. signatures: for each name, the `inputs` and `outputs` that the model declares. latency_us,
    matmul_us: microseconds of a call and of a plain matrix product of the same size; see `_microseconds`.
    """

    item: np.ndarray
    score: np.ndarray
    signatures: dict[str, Any]
    latency_us: float
    matmul_us: float


def replay(model: Path, signature: str, windows: dict[str, np.ndarray], product: tuple[int, int]) -> Replayed:
    """Calls a signature for every window, and then measures its latency on one thread.

    Args:
      model: the `.tflite` file.
      signature: a signature with the outputs `item` and `score`.
      windows: for each input, [n, length] values, n at least 1; a call takes one row, [1, length].
      product: width and number of items of the plain matrix product that is measured for comparison.

    Raises:
      RuntimeError: the process failed; the message ends with its error output.
    """
    # Imported here, since the program itself imports only numpy and LiteRT.
    from recommender.tflite import process

    with tempfile.TemporaryDirectory() as folder:
        given: dict[str, Any] = dict(windows)  # numpy 2's types would take an array for another argument of `savez`
        np.savez(Path(folder) / "windows.npz", **given)
        process.run(__file__, model, signature, folder, *map(str, product))
        facts = json.loads((Path(folder) / "facts.json").read_text())
        with np.load(Path(folder) / "found.npz") as found:
            return Replayed(found["item"], found["score"], **facts)


def _main(model: str, signature: str, folder: str, width: str, num_items: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow was imported, so this process does not prove that the model runs without it")
    interpreter = Interpreter(model_path=model, num_threads=1)
    declared = {}
    for name in interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        declared[name] = {
            "inputs": _tensors(runner.get_input_details()),
            "outputs": _tensors(runner.get_output_details()),
        }
    runner = interpreter.get_signature_runner(signature)
    with np.load(Path(folder) / "windows.npz") as arrays:
        columns = {name: arrays[name] for name in arrays.files}
    number = len(next(iter(columns.values())))
    windows = [{name: column[row : row + 1] for name, column in columns.items()} for row in range(number)]
    answers = [runner(**window) for window in windows]
    found: dict[str, Any] = {name: np.array([answer[name] for answer in answers]) for name in ("item", "score")}
    np.savez(Path(folder) / "found.npz", **found)
    random = np.random.default_rng(0)
    vector = random.normal(size=(1, int(width))).astype(np.float32)
    matrix = random.normal(size=(int(width), int(num_items))).astype(np.float32)
    calls = [partial(runner, **window) for window in windows[:_DISTINCT]]
    latency, matmul = _microseconds(calls, [partial(np.matmul, vector, matrix)])
    facts = {"signatures": declared, "latency_us": latency, "matmul_us": matmul}
    (Path(folder) / "facts.json").write_text(json.dumps(facts))


def _microseconds(*alternatives: Sequence[Callable[[], Any]]) -> list[float]:
    """Measures some calls in turn: for each, the lowest of the medians of 20 rounds of 1,000 calls, in microseconds.

    The lowest counts, since other load on the machine slows down whole rounds, and never speeds one up.
    """
    medians: list[list[float]] = [[] for _ in alternatives]
    for _ in range(_ROUNDS):
        for calls, found in zip(alternatives, medians, strict=True):
            nanoseconds = []
            for call in itertools.islice(itertools.cycle(calls), _WARM_UP + _CALLS):
                started = time.perf_counter_ns()
                call()
                nanoseconds.append(time.perf_counter_ns() - started)
            found.append(float(np.median(nanoseconds[_WARM_UP:])) / 1e3)
    return [min(found) for found in medians]


def _tensors(details: dict[str, Any]) -> dict[str, Any]:
    return {name: _tensor(detail) for name, detail in sorted(details.items())}


def _tensor(detail: dict[str, Any]) -> dict[str, Any]:
    dtype = "string" if detail["dtype"] in (np.bytes_, np.object_) else np.dtype(detail["dtype"]).name
    return {"dtype": dtype, "shape": detail["shape_signature"].tolist()}


if __name__ == "__main__":
    _main(*sys.argv[1:])
