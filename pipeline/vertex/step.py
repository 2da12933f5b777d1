"""`python -m pipeline.vertex.step`: one node of a pipeline in a container of Vertex AI Pipelines.

Vertex AI gives artifacts `gs://` addresses, and mounts Cloud Storage in its containers as the folder `/gcs`. The steps
read and write files. So the addresses in the arguments of TFX's entry point (1.16 to 1.21) are replaced by folders, and
the folders in its result by addresses.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

STORAGE, MOUNTED = "gs://", "/gcs/"
_INVOCATION = "--json_serialized_invocation_args"
_EXECUTOR = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


def main(arguments: list[str], mounted: str = MOUNTED) -> int:
    """Runs the executor that Vertex AI asks for.

    Args:
      arguments: of the command line, those of TFX's entry point.
      mounted: the folder where Cloud Storage is.

    Returns:
      The executor's exit status.
    """
    place = arguments.index(_INVOCATION) + 1
    given = _moved(json.loads(arguments[place]), STORAGE, mounted)
    outputs = given["outputs"]
    for several in outputs.get("artifacts", {}).values():
        for artifact in several["artifacts"]:
            # As on the other platforms; TFX's entry point for Vertex AI leaves it to the executors.
            Path(artifact["uri"]).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", _EXECUTOR, *arguments[:place], json.dumps(given), *arguments[place + 1 :]]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        path = Path(outputs["outputFile"])
        result = _moved(json.loads(path.read_text(encoding="utf-8")), mounted, STORAGE)
        path.write_text(json.dumps(result), encoding="utf-8")
    return status


def _moved(tree: Any, old: str, new: str) -> Any:
    """The tree, with `new` instead of `old` where a text begins with it."""
    if isinstance(tree, dict):
        return {key: _moved(value, old, new) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_moved(value, old, new) for value in tree]
    return new + tree.removeprefix(old) if isinstance(tree, str) and tree.startswith(old) else tree


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
