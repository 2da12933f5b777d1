"""Runs a TFLite model in a separate process, without TensorFlow, as a phone would.

`check` starts the process, whose program is this file; it imports numpy and LiteRT only.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def check(model: Path, signature: str, calls: Sequence[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Calls one signature of `model` in a fresh process.

    Args:
      model: the `.tflite` file.
      signature: name of the signature.
      calls: the inputs of each call by name; strings as arrays of `bytes`.

    Returns:
      `outputs`: arrays by name for each call; `inputs` and `output_tensors`: the tensors that the model declares.

    Raises:
      RuntimeError: the process failed; the message ends with its error output.
    """
    # Imported here, since the program imports numpy and LiteRT only.
    from recommender.tflite import process

    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder) / "inputs.npz", calls)
        process.run(__file__, model, signature, folder, str(len(calls)))
        description = json.loads((Path(folder) / "description.json").read_text())
        return description | {"outputs": _read(Path(folder) / "outputs.npz", len(calls))}


def _main(model: str, signature: str, folder: str, number: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow was imported, so this would not show that the model runs without it")
    runner = Interpreter(model_path=model).get_signature_runner(signature)
    # Read before the calls, which fix the shapes to those of their inputs.
    inputs = {name: _tensor(detail) for name, detail in runner.get_input_details().items()}
    outputs = {name: _tensor(detail) for name, detail in runner.get_output_details().items()}
    calls = _read(Path(folder) / "inputs.npz", int(number))
    answers = [runner(**call) for call in calls]
    for name, tensor in outputs.items():
        # A shape that the converter does not know is reported like that of a single number.
        if len(tensor["shape"]) != answers[0][name].ndim:
            tensor["shape"] = [-1] * answers[0][name].ndim
    description = {"inputs": inputs, "output_tensors": outputs}
    (Path(folder) / "description.json").write_text(json.dumps(description))
    _write(Path(folder) / "outputs.npz", answers)


def _tensor(detail: dict[str, Any]) -> dict[str, Any]:
    dtype = "string" if detail["dtype"] in (np.bytes_, np.object_) else np.dtype(detail["dtype"]).name
    return {"dtype": dtype, "shape": detail["shape_signature"].tolist()}


def _write(file: Path, calls: Sequence[dict[str, np.ndarray]]) -> None:
    """Writes the arrays of all calls; strings as bytes, since arrays of objects would be pickled."""
    arrays: dict[str, Any] = {
        f"{number}/{name}": values.astype("S") if values.dtype == object else values
        for number, call in enumerate(calls)
        for name, values in call.items()
    }
    np.savez(file, **arrays)


def _read(file: Path, num_calls: int) -> list[dict[str, np.ndarray]]:
    calls: list[dict[str, np.ndarray]] = [{} for _ in range(num_calls)]
    with np.load(file) as arrays:
        for key in arrays.files:
            number, name = key.split("/")
            calls[int(number)][name] = arrays[key]
    return calls


if __name__ == "__main__":
    _main(*sys.argv[1:])
