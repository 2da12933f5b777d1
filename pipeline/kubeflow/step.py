"""`python -m pipeline.kubeflow.step`: one node of a pipeline in a container of Kubeflow Pipelines."""

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import node, remote, tensorflow_environment
from pipeline.code_version import sources_version
from pipeline.garbage_collector import loading
from pipeline.kubeflow import lock as kubeflow_lock
from pipeline.node import Node
from pipeline.process_exit import leave
from pipeline.reporting import counted, summary
from pipeline.reporting.progress import OnceAMinute
from schemas import verdict as verdict_schema
from schemas.settings.kubeflow import MYSQL_PASSWORD, MYSQL_USER

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

_FAILED = 1
_METRICS = "metrics"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line.

    Args:
      arguments: of the command line; None reads the process's own.

    Returns:
      The exit status: 0 the node ran, or its result was in the cache already; 1 it failed.
    """
    options = _parser().parse_args(arguments)
    tensorflow_environment.prepare()
    _log_to_output()
    started = time.monotonic()
    try:
        _check(options)
        with _turn(options):
            result = _launch(options)
    except Exception as error:
        traceback.print_exc()
        print(f"{options.node}: failed: {node.explain(error)}", file=sys.stderr)
        return _FAILED
    print(f"{options.node}: {_outcome(result, time.monotonic() - started)}")
    if options.summary:
        try:
            _summarize(options, result)
        except Exception as error:
            # The node has run, and its outputs are complete.
            traceback.print_exc()
            print(f"{options.node}: no summary: {node.explain(error)}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.kubeflow.step", description=__doc__)
    parser.add_argument("--node", required=True, help="id of the node")
    parser.add_argument("--run-id", required=True, help="the same for all nodes of a run and all their attempts")
    parser.add_argument("--ir", required=True, metavar="JSON", help="TFX's intermediate representation of the node")
    parser.add_argument(
        "--code", required=True, help="version of the sources that the pipeline was compiled from, and of TFX"
    )
    store = parser.add_mutually_exclusive_group(required=True)
    store.add_argument("--sqlite", metavar="FILE", help="the metadata store")
    store.add_argument(
        "--mysql",
        nargs=3,
        metavar=("HOST", "PORT", "DATABASE"),
        help=f"the metadata store; user and password come from the variables {MYSQL_USER} and {MYSQL_PASSWORD}",
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="where to write a summary, as Markdown")
    parser.add_argument(
        "--executor-input",
        type=json.loads,
        metavar="JSON",
        help="Kubeflow's description of inputs and outputs, to write metrics",
    )
    return parser


def _log_to_output() -> None:
    """Shows the steps' messages among the libraries'; the level of absl, with which TFX logs, is unchanged."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handler.addFilter(OnceAMinute())
    logger = logging.getLogger("atalaya")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.propagate = False


def _check(options: argparse.Namespace) -> None:
    """Refuses options that would lead to wrong results, or none, without an error."""
    if "{{" in options.run_id:
        # Every run would count as another attempt at the first one.
        raise RuntimeError(
            f"the run's id came as {options.run_id}, which this Kubeflow Pipelines does not fill in: "
            "version 2.5 or newer is needed"
        )
    ours = sources_version()
    (_, _, our_tfx), (_, _, their_tfx) = ours.partition("+"), options.code.partition("+")
    if our_tfx != their_tfx:
        raise RuntimeError(
            f"the image has TFX {our_tfx}, the pipeline was compiled with TFX {their_tfx or 'of an unknown version'}: "
            "build the image for the same stack (`make image` where the pipeline is compiled)"
        )
    if ours != options.code:
        # Its results would enter the cache under the other code's version.
        raise RuntimeError(
            f"this image holds the steps' code in version {ours}, the pipeline was compiled from version "
            f"{options.code}: build the image and compile the pipeline from the same sources"
        )


def _turn(options: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """On a SQLite file, the steps of all runs take turns; a database server does not need that."""
    if not options.sqlite:
        return contextlib.nullcontext()
    return kubeflow_lock.alone(Path(options.sqlite), f"the step {options.node} of the run {options.run_id}")


def _launch(options: argparse.Namespace) -> Node:
    with loading():
        import absl.logging
        from tfx.dsl.compiler.constants import PIPELINE_RUN_ID_PARAMETER_NAME
        from tfx.orchestration.portable import runtime_parameter_utils

        from pipeline.engines.signatures import remember_signatures

    if "s3://" in options.ir:
        import tensorflow_io  # noqa: F401, adds the file system to TensorFlow
    remember_signatures()
    absl.logging.set_verbosity(absl.logging.INFO)
    pipeline = _parsed(options.ir)
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {PIPELINE_RUN_ID_PARAMETER_NAME: options.run_id})
    [wrapped] = pipeline.nodes
    connection = _connection(options)
    _try(connection, options)
    return node.launch(pipeline, wrapped.pipeline_node, connection)


def _parsed(text: str) -> "Pipeline":
    from google.protobuf import json_format

    # The parser can read an `Any` only if its type was imported.
    from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2  # noqa: F401

    return json_format.Parse(text, pipeline_pb2.Pipeline())


def _connection(options: argparse.Namespace) -> Any:
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    if options.sqlite:
        return metadata.sqlite_metadata_connection_config(options.sqlite)
    host, port, database = options.mysql
    absent = [variable for variable in (MYSQL_USER, MYSQL_PASSWORD) if variable not in os.environ]
    if absent:
        raise RuntimeError(f"{', '.join(absent)}: not set; they come from the secret of kubeflow.metadata.mysql.secret")
    connection = metadata_store_pb2.ConnectionConfig()
    connection.mysql.host, connection.mysql.port, connection.mysql.database = host, int(port), database
    connection.mysql.user, connection.mysql.password = os.environ[MYSQL_USER], os.environ[MYSQL_PASSWORD]
    return connection


def _try(connection: Any, options: argparse.Namespace) -> None:
    from tfx.orchestration import metadata

    try:
        with metadata.Metadata(connection):
            pass
    except RuntimeError as error:
        place = options.sqlite or "{}:{}, database {}".format(*options.mysql)
        # The metadata store's library does not support newer authentication, such as MySQL 8's default.
        asked = "; is the server running, and does it accept the secret's user and password by mysql_native_password?"
        hint = "" if options.sqlite else asked
        raise RuntimeError(f"the metadata store {place} cannot be used: {error}{hint}") from None


def _outcome(result: Node, seconds: float) -> str:
    if result.reused:
        return "cached, did not need to run"
    return "already done in this run" if result.repeated else f"ran in {seconds:.0f} s"


def _summarize(options: argparse.Namespace, result: Node) -> None:
    """Writes what Kubeflow shows with the run: a page, and the Evaluator's metrics."""
    options.summary.parent.mkdir(parents=True, exist_ok=True)
    if options.node == "RatingsExampleGen":
        page = counted.markdown(_counted(result))
        print(page)
        options.summary.write_text(page, encoding="utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.node == "Pusher":
            judged = remote.fetched({name: result.inputs[name] for name in summary.JUDGED_BY}, Path(folder))
            pusher = result._replace(inputs=judged)
            print(summary.push_sentence(pusher))
            options.summary.write_text(summary.push_markdown(pusher), encoding="utf-8")
        else:
            evaluation = remote.fetched({"evaluation": result.outputs["evaluation"]}, Path(folder))
            verdict = verdict_schema.read(evaluation["evaluation"][0].uri)
            options.summary.write_text(summary.evaluation_markdown(verdict), encoding="utf-8")
            _write_metrics(options.executor_input["outputs"], summary.metrics(verdict))


def _counted(result: Node) -> dict[str, Any]:
    """Reads the summary of the data from its address, since the examples next to it are many."""
    from tfx.dsl.io import fileio

    with fileio.open(f"{result.outputs['examples'][0].uri}/summary.json", "rb") as stream:
        return json.loads(stream.read())


def _write_metrics(outputs: dict[str, Any], metrics: dict[str, float]) -> None:
    """Writes the metrics where Kubeflow expects them: as the artifact's metadata, not in a file."""
    [artifact] = outputs["artifacts"][_METRICS]["artifacts"]
    described = {"uri": artifact["uri"], "metadata": metrics}
    path = Path(outputs["outputFile"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"artifacts": {_METRICS: {"artifacts": [described]}}}), encoding="utf-8")


if __name__ == "__main__":
    leave(main())
