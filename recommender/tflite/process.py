"""Runs programs in a fresh process, which has not imported TensorFlow."""

import subprocess
import sys
from pathlib import Path


def run(program: str, model: Path, *arguments: str) -> None:
    """Runs a Python file that calls a TFLite model.

    Args:
      program: path of the Python file.
      model: the `.tflite` file, which is the first argument.
      arguments: further arguments.

    Raises:
      RuntimeError: the program failed; the message ends with its error output.
    """
    command = [sys.executable, "-W", "ignore", program, str(model), *arguments]
    process = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if process.returncode:
        raise RuntimeError(f"{model.name} cannot be run by LiteRT: {process.stderr.strip()[-2000:]}")
