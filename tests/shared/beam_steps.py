"""Runs the steps of Beam again, with what the other steps made in the latest run; a program.

python beam_steps.py SETTINGS: in the folder of that run, whose settings may have changed in how Beam runs.
"""

import sys
from pathlib import Path

_OTHERS = ["LatestBlessedModel", "Trainer", "TFLiteExporter", "Canary", "Pusher"]


def _main() -> None:
    from pipeline import node, tensorflow_environment
    from pipeline.local.server import compile_pipeline, import_tfx
    from schemas.settings import fast, load

    tensorflow_environment.prepare()
    import_tfx()
    settings = fast(load(Path(sys.argv[1])))
    pipeline, connection = compile_pipeline(settings, (settings.local.artifacts / settings.name).absolute(), "again")
    from tfx.orchestration import metadata
    from tfx.orchestration.portable import partial_run_utils

    partial_run_utils.mark_pipeline(pipeline, from_nodes=["RatingsExampleGen"], skip_nodes=_OTHERS)
    with metadata.Metadata(connection) as handle:
        partial_run_utils.snapshot(handle, pipeline)
    for wrapped in pipeline.nodes:
        if wrapped.pipeline_node.execution_options.HasField("run"):
            print(wrapped.pipeline_node.node_info.id, flush=True)
            node.launch(pipeline, wrapped.pipeline_node, connection)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    _main()
