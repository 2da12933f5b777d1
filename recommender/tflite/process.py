"""Starts a program of its own, in which nothing is imported yet, TensorFlow least of all."""

import subprocess
import sys
from pathlib import Path


def run(program: str, model: Path, *arguments: str) -> None:
    """Runs a Python file that calls a TFLite model.

    Args:
      program: the file.
      model: the `.tflite` file, its first argument.
      arguments: the others.

    Raises:
      RuntimeError: it failed; the message ends with what it wrote.
    """
    command = [sys.executable, "-W", "ignore", program, str(model), *arguments]
    process = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if process.returncode:
        raise RuntimeError(f"{model.name} cannot be run by LiteRT: {process.stderr.strip()[-2000:]}")
