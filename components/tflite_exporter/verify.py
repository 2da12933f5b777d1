"""Runs a TFLite model in a process of its own, without TensorFlow, as a phone would.

`check` starts the process; run as a program, this file is that process. It imports numpy and LiteRT only.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def check(model: Path, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Runs one signature of `model` in a fresh process.

    Args:
      model: the `.tflite` file.
      signature: name of the signature.
      inputs: its inputs by name, each `[batch]`; strings as arrays of `bytes`.

    Returns:
      `outputs`: arrays by name; `inputs` and `operators`: what the model declares.

    Raises:
      RuntimeError: the process failed; the message ends with what it wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "inputs.npz", **inputs)
        command = [sys.executable, "-W", "ignore", __file__, str(model), signature, folder]
        process = subprocess.run(command, capture_output=True, text=True)
        if process.returncode:
            raise RuntimeError(f"{model.name} cannot be run by LiteRT: {process.stderr.strip()[-2000:]}")
        description = json.loads((Path(folder) / "description.json").read_text())
        with np.load(Path(folder) / "outputs.npz") as outputs:
            return description | {"outputs": dict(outputs)}


def _main(model: str, signature: str, folder: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow was imported, so this would not show that the model runs without it")
    interpreter = Interpreter(model_path=model)
    runner = interpreter.get_signature_runner(signature)
    # Asked before the run, which fixes the shapes to those of its inputs.
    operators = sorted({operator["op_name"] for operator in interpreter._get_ops_details()})
    description = {
        "inputs": {name: _tensor(detail) for name, detail in runner.get_input_details().items()},
        "output_tensors": {name: _tensor(detail) for name, detail in runner.get_output_details().items()},
        "operators": [name for name in operators if name != "DELEGATE"],
    }
    (Path(folder) / "description.json").write_text(json.dumps(description))
    with np.load(Path(folder) / "inputs.npz") as inputs:
        outputs = runner(**{name: inputs[name] for name in inputs.files})
    np.savez(Path(folder) / "outputs.npz", **outputs)


def _tensor(detail: dict[str, Any]) -> dict[str, Any]:
    dtype = "string" if detail["dtype"] in (np.bytes_, np.object_) else np.dtype(detail["dtype"]).name
    return {"dtype": dtype, "shape": detail["shape_signature"].tolist()}


if __name__ == "__main__":
    _main(*sys.argv[1:])
