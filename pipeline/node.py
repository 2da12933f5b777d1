"""One node of the pipeline, launched through TFX in the same way on every platform, and its result."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import remote
from schemas import layout

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

PUSHED, WRITTEN = "pushed_destination", "destination"
"""Custom properties of artifacts whose files are elsewhere: a pushed version, recommendations of a batch."""

_KINDS = ("int_value", "double_value", "string_value")
"""Kinds of custom properties, of which structures are left out: no result is one."""
_log = logging.getLogger("atalaya")


@dataclass
class Artifact:
    """What is known of an artifact without TFX."""

    uri: str
    properties: dict[str, int | float | str]
    """The custom properties."""


class Node(NamedTuple):
    """A node that has run."""

    outputs: dict[str, list[Artifact]]
    """By output name."""
    reused: bool
    """Whether the result came from the cache."""
    inputs: dict[str, list[Artifact]] = {}
    """By input name."""
    repeated: bool = False
    """Whether an earlier attempt in this run had completed it."""


def launch(pipeline: "Pipeline", node: Any, connection: Any, lock: Path | None = None) -> Node:
    """Runs one node through TFX's launcher: driver, cache, executor and publisher.

    A node that was killed can be launched again in the same run; it continues the same execution.

    Args:
      pipeline: the intermediate representation with the run's id filled in.
      node: one of its nodes.
      connection: to the metadata store, a `ConnectionConfig`.
      lock: file that makes nodes which run at the same time take turns at a SQLite metadata store.

    Raises:
      RuntimeError: an input is missing, or the execution did not complete.
    """
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable import launcher
    from tfx.orchestration.portable.mlmd import context_lib, execution_lib

    from pipeline.metadata_in_turn import InTurn

    store = InTurn(connection, lock) if lock else metadata.Metadata(connection)
    with store as handle:
        contexts = context_lib.prepare_contexts(handle, node.contexts)
        attempts = execution_lib.get_executions_associated_with_all_contexts(handle, contexts)
        failed = [attempt for attempt in attempts if not execution_lib.is_execution_successful(attempt)]
        _remove_leftovers(pipeline, node, failed)
        _forget_lost(handle, node)
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    node_id = node.node_info.id
    execution = launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=store,
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        custom_executor_operators=remote.executor_operators(),
    ).launch()
    # The launcher does not raise when a node's inputs are missing; only the execution's state shows it.
    if execution is None or not execution.execution_id:
        raise RuntimeError(f"{node_id} did not run: an input is missing")
    with store as handle:
        [record] = handle.store.get_executions_by_id([execution.execution_id])
        state = metadata_store_pb2.Execution.State.Name(record.last_known_state)
        if state not in ("COMPLETE", "CACHED"):
            # An executor's own error would have been raised.
            raise RuntimeError(f"{node_id} did not run: an input is missing (its state is {state})")
        outputs = execution_lib.get_output_artifacts(handle, execution.execution_id)
        inputs = execution_lib.get_input_artifacts(handle, execution.execution_id)
        repeated = len(attempts) > len(failed)
        return Node(_plain(outputs), reused=state == "CACHED", inputs=_plain(inputs), repeated=repeated)


def _plain(artifacts: Any) -> dict[str, list[Artifact]]:
    return {name: [described(artifact.mlmd_artifact) for artifact in several] for name, several in artifacts.items()}


def described(artifact: Any) -> Artifact:
    """An artifact of the metadata store without TFX's types."""
    values = artifact.custom_properties.items()
    properties = {name: getattr(value, kind) for name, value in values if (kind := value.WhichOneof("value")) in _KINDS}
    return Artifact(artifact.uri, properties)


def _remove_leftovers(pipeline: "Pipeline", node: Any, failed: list[Any]) -> None:
    """Removes what killed attempts at this node in this run wrote: the next attempt uses the same folders."""
    from tfx.dsl.io import fileio
    from tfx.orchestration.portable import outputs_utils

    resolver = outputs_utils.OutputsResolver(node, pipeline.pipeline_info, pipeline.runtime_spec)
    for execution in failed:
        for artifacts in resolver.generate_output_artifacts(execution.id).values():
            for artifact in artifacts:
                if fileio.exists(artifact.uri):
                    fileio.rmtree(artifact.uri)


def _forget_lost(handle: Any, node: Any) -> None:
    """Removes results from the cache whose files elsewhere are gone; TFX only looks at the artifacts' own folders."""
    from ml_metadata.proto import metadata_store_pb2

    [name] = [context.name for context in node.contexts.contexts if context.type.name == "node"]
    context = handle.store.get_context_by_type_and_name("node", name.field_value.string_value)
    if context is None:
        return
    executions = [execution.id for execution in handle.store.get_executions_by_context(context.id)]
    events = handle.store.get_events_by_execution_ids(executions) if executions else []
    made = {event.artifact_id for event in events if event.type == metadata_store_pb2.Event.OUTPUT}
    live = metadata_store_pb2.Artifact.LIVE
    lost = [
        artifact
        for artifact in handle.store.get_artifacts_by_id(sorted(made))
        if artifact.state == live and not stands(described(artifact))
    ]
    for artifact in lost:
        artifact.state = metadata_store_pb2.Artifact.DELETED
    if lost:
        handle.store.put_artifacts(lost)
    if any(not path.exists() for artifact in lost for path in _elsewhere(described(artifact), PUSHED, WRITTEN)):
        _log.warning("files that this step wrote are gone: they are made again where they are needed")


def stands(artifact: Artifact) -> bool:
    """Whether an artifact's files elsewhere still exist and, if they were pushed, are still the newest version."""
    pushed = _elsewhere(artifact, PUSHED)
    return all(path.exists() for path in _elsewhere(artifact, PUSHED, WRITTEN)) and all(
        layout.newest(path.parent) == path for path in pushed
    )


def _elsewhere(artifact: Artifact, *names: str) -> list[Path]:
    return [Path(str(path)) for name in names if (path := artifact.properties.get(name))]


def explain(error: BaseException) -> str:
    """The innermost cause of an error, in a line or two."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error).strip() or type(error).__name__
    if "No space left on device" in text:
        place = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        return f"The disk is full{place}: free some space and run again; finished steps are kept."
    if "Concurrent writes aborted" in text:
        return (
            "The metadata store is locked by another program, such as a viewer or a copy of its file: end that program "
            "and run again; finished steps are kept."
        )
    lines = text.splitlines()
    # Beam's message is the whole trace of a worker, with the cause at its end.
    return f"{type(error).__name__}: {lines[-1] if len(lines) > 8 else text}"
