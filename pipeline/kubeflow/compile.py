"""Compiles the pipeline for Kubeflow Pipelines: a container for each node, in which TFX's launcher runs it."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.code_version import sources_version
from pipeline.containers import artifacts, in_containers
from pipeline.garbage_collector import loading
from pipeline.kubeflow import settings as kubeflow_settings
from pipeline.kubeflow.pod_fields import complete
from pipeline.kubeflow.settings import DEFAULT, sqlite_file
from schemas.errors import SettingsError
from schemas.settings import KubeflowSettings, Settings
from schemas.settings.kubeflow import MYSQL_PASSWORD, MYSQL_USER, Resources

if TYPE_CHECKING:
    from tfx.proto.orchestration.pipeline_pb2 import Pipeline

_METRICS, _SUMMARY = "Evaluator", ("RatingsExampleGen", "Evaluator", "Pusher")
"""The node whose metrics, and the nodes whose summaries are shown with the run."""
_RETRY_AFTER = "30s"
"""Before the first retry; twice as long before each further one."""


def compile_pipeline(settings: Settings, path: Path) -> None:
    """Writes the pipeline for Kubeflow Pipelines 2: its specification and, as a second document, its pods' fields.

    The same settings and code give the same bytes.

    Args:
      settings: of the recommender; `kubeflow` has the folders inside the containers.
      path: the file to write, `.yaml`.

    Raises:
      SettingsError: a setting of `kubeflow` is missing or cannot work.
    """
    kubeflow_settings.check(settings)
    if path.suffix not in (".yaml", ".yml"):
        raise SettingsError(f"{path}: Kubeflow Pipelines needs a file that ends in .yaml; give one with -o")
    nodes = _nodes(settings)
    kubeflow_settings.check_steps(settings.kubeflow, list(nodes))
    import kfp.compiler

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        kfp.compiler.Compiler().compile(_pipeline(settings, nodes), str(package))
        path.write_bytes(package.read_bytes())


def _nodes(settings: Settings) -> dict[str, "Pipeline"]:
    """By node id, in an order in which they can run: the representation of a pipeline with this node alone."""
    with loading():
        # Imported here: 10 to 30 seconds that --help and a wrong setting must not cost.
        from tfx.dsl.compiler.compiler import Compiler

        from pipeline.pipeline import create_pipeline

    # Without a connection to the metadata store, so that it cannot hold a password.
    whole = Compiler().compile(create_pipeline(in_containers(settings), artifacts(settings)))
    return {node.pipeline_node.node_info.id: _alone(whole, node) for node in whole.nodes}


def _alone(whole: "Pipeline", node: Any) -> "Pipeline":
    from tfx.proto.orchestration import pipeline_pb2

    deployment, kept = pipeline_pb2.IntermediateDeploymentConfig(), pipeline_pb2.IntermediateDeploymentConfig()
    whole.deployment_config.Unpack(deployment)
    node_id = node.pipeline_node.node_info.id
    for field in ("executor_specs", "custom_driver_specs"):
        if node_id in getattr(deployment, field):
            getattr(kept, field)[node_id].CopyFrom(getattr(deployment, field)[node_id])
    alone = pipeline_pb2.Pipeline(
        pipeline_info=whole.pipeline_info, runtime_spec=whole.runtime_spec, execution_mode=whole.execution_mode
    )
    alone.nodes.append(node)
    alone.deployment_config.Pack(kept)
    return alone


def _as_json(pipeline: "Pipeline") -> str:
    from google.protobuf import json_format

    text = json.dumps(json_format.MessageToDict(pipeline), sort_keys=True, separators=(",", ":"))
    # Two braces would begin a placeholder of Argo or Kubeflow; in JSON, they can only be in a text. And Kubernetes
    # replaces $(VARIABLE), and $$ by one $, in the arguments of a container.
    return text.replace("{{", r"{\u007b").replace("$", r"\u0024")


def _pipeline(settings: Settings, nodes: dict[str, "Pipeline"]) -> Callable[[], None]:
    from kfp import dsl

    @dsl.pipeline(name=settings.name.replace("_", "-"), description=f"Atalaya: {settings.name}")
    def pipeline() -> None:
        tasks: dict[str, Any] = {}
        for node_id, alone in nodes.items():
            resources = settings.kubeflow.resources.get(node_id, settings.kubeflow.resources.get(DEFAULT, Resources()))
            image = (resources.gpus and settings.kubeflow.gpu_image) or settings.kubeflow.image
            task = _component(settings, node_id, image, _as_json(alone))(run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
            # A SQLite file has one writer, so each step waits for the one before.
            one_by_one = list(tasks)[-1:] if settings.kubeflow.metadata.kind == "sqlite" else []
            upstream = {*alone.nodes[0].pipeline_node.upstream_nodes, *one_by_one}
            tasks[node_id] = task.after(*(tasks[name] for name in sorted(upstream)))
            # TFX's cache takes the code's version and the data into account, Kubeflow's only the command.
            task.set_caching_options(False)
            if settings.kubeflow.retries:
                task.set_retry(settings.kubeflow.retries, backoff_duration=_RETRY_AFTER)
            _give(task, resources)
            _attach(task, settings.kubeflow)
            complete(task, settings.kubeflow, resources)

    return pipeline


def _component(settings: Settings, node_id: str, image: str, representation: str) -> Callable[..., Any]:
    """The component of one node. Its only parameter is the run's id, which Kubeflow fills in nowhere else."""
    from kfp import dsl

    def specification(run_id: str, *more: Any) -> dsl.ContainerSpec:
        arguments = ["--node", node_id, "--run-id", run_id, "--code", sources_version()]
        arguments += [*_store(settings), *more, "--ir", representation]
        command = ["python", "-m", "pipeline.kubeflow.step"]
        return dsl.ContainerSpec(image=image, command=command, args=arguments)

    def plain(run_id: str) -> dsl.ContainerSpec:
        return specification(run_id)

    def summarized(run_id: str, summary: dsl.Output[dsl.Markdown]) -> dsl.ContainerSpec:
        return specification(run_id, "--summary", summary.path)

    def measured(run_id: str, summary: dsl.Output[dsl.Markdown], metrics: dsl.Output[dsl.Metrics]) -> dsl.ContainerSpec:
        # `{{$}}` stands for all inputs and outputs of the step, with the file in which Kubeflow expects the metrics.
        return specification(run_id, "--summary", summary.path, "--executor-input", "{{$}}")

    function = measured if node_id == _METRICS else summarized if node_id in _SUMMARY else plain
    # kfp names the step after the function: `tf-lite-exporter`.
    function.__name__ = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", node_id).lower()
    return dsl.container_component(function)


def _store(settings: Settings) -> list[str]:
    metadata = settings.kubeflow.metadata
    if metadata.kind == "sqlite":
        return ["--sqlite", sqlite_file(settings)]
    return ["--mysql", metadata.mysql.host, str(metadata.mysql.port), metadata.mysql.database]


def _give(task: Any, resources: Resources) -> None:
    """Requests the step's resources."""
    from kfp import kubernetes

    for field, give in {
        "cpu": task.set_cpu_request,
        "cpu_limit": task.set_cpu_limit,
        "memory": task.set_memory_request,
        "memory_limit": task.set_memory_limit,
    }.items():
        amount = getattr(resources, field)
        if amount is not None:
            give(amount)
    if resources.gpus:
        task.set_accelerator_type(resources.gpu_type).set_accelerator_limit(resources.gpus)
    for label, value in sorted(resources.node_selector.items()):
        kubernetes.add_node_selector(task, label, value)


def _attach(task: Any, kubeflow: KubeflowSettings) -> None:
    """Adds volumes, variables and secrets to a step."""
    from kfp import kubernetes

    for variable, value in sorted(kubeflow.variables.items()):
        # Kubernetes replaces $(VARIABLE), and $$ by one $.
        task.set_env_variable(variable, value.replace("$", "$$"))

    for volume in kubeflow.volumes:
        kubernetes.mount_pvc(task, pvc_name=volume.claim, mount_path=volume.path)
    if kubeflow.metadata.kind == "mysql":
        mysql = kubeflow.metadata.mysql
        keys = {mysql.user_key: MYSQL_USER, mysql.password_key: MYSQL_PASSWORD}
        kubernetes.use_secret_as_env(task, mysql.secret, keys)
    for secret in kubeflow.secrets:
        kubernetes.use_secret_as_env(task, secret.secret, {secret.key: secret.variable})
    for files in kubeflow.secret_files:
        kubernetes.use_secret_as_volume(task, files.secret, files.path)
