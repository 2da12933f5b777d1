"""`python -m pipeline.vertex_step`: one node of a pipeline in a container of Vertex AI Pipelines.

Vertex AI gives artifacts `gs://` addresses, and its containers Cloud Storage as a folder, `/gcs`. The steps read and
write files: TFX's own entry point is told of that folder, and Vertex AI afterwards of addresses again.
"""

import json
import subprocess
import sys
from pathlib import Path

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
    told = arguments[place].replace(STORAGE, mounted)
    command = [sys.executable, "-m", _EXECUTOR, *arguments[:place], told, *arguments[place + 1 :]]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        said = Path(json.loads(told)["outputs"]["outputFile"])
        said.write_text(said.read_text(encoding="utf-8").replace(mounted, STORAGE), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
