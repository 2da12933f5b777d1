"""What is compiled for Kubeflow Pipelines, by structure.

The first test waits for TFX and kfp to be imported, and one compiles in a second process: half a minute in all.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import kubeflow_api
import pod_security
from pipeline.kubeflow import settings as kubeflow_settings
from schemas.errors import SettingsError
from schemas.settings import Settings

ROOT = Path(__file__).parents[3]
IMAGE, GPU_IMAGE = (f"registry.example/atalaya@sha256:{digit * 64}" for digit in "01")
TITLE = "{{title}} $(HOME) $$"
# Upstream of each, by the wiring in pipeline.py.
STEPS = {
    "import-schema-gen": set(),
    "ratings-example-gen": set(),
    "statistics-gen": {"ratings-example-gen"},
    "transform": {"import-schema-gen", "ratings-example-gen"},
    "example-validator": {"import-schema-gen", "statistics-gen"},
    "trainer": {"ratings-example-gen", "transform"},
    "tf-lite-exporter": {"ratings-example-gen", "trainer"},
    "canary": {"ratings-example-gen", "trainer"},
    "latest-blessed-model": {"trainer"},
    "evaluator": {
        "example-validator",
        "latest-blessed-model",
        "ratings-example-gen",
        "trainer",
    },
    "pusher": {"canary", "evaluator", "tf-lite-exporter", "trainer"},
    "batch-recommender": {"pusher"},
}


def _settings(sections: dict[str, Any] | None = None, /, **kubeflow: Any) -> Settings:
    given = {
        "image": IMAGE,
        "gpu_image": GPU_IMAGE,
        "data": "/mnt/data/shop",
        "volumes": [{"claim": "atalaya", "path": "/mnt/atalaya"}, {"claim": "data", "path": "/mnt/data"}],
        "metadata": {"kind": "mysql", "mysql": {"host": "db", "port": 3307, "database": "shops"}},
    }
    tree = {
        "name": "shop_1",
        # Two braces are a placeholder's to Kubeflow and to Argo, the dollars something to Kubernetes.
        "data": {"folder": "data", "ratings": "ratings.csv", "item_columns": {"title": TITLE}},
        "batch": {"enabled": True},
        "kubeflow": given | kubeflow,
    }
    return Settings.model_validate_json(json.dumps(tree | (sections or {})))


RICH = {
    "retries": 4,
    "run_as_non_root": True,
    "image_pull_secrets": ["registry", "mirror.example.com"],
    "variables": {"GOOGLE_APPLICATION_CREDENTIALS": "/var/secrets/key.json", "PRICE": "5$ or $(HOME)"},
    "secrets": [{"secret": "cloud", "key": "token", "variable": "TOKEN"}],
    "secret_files": [{"secret": "cloud", "path": "/var/secrets"}],
    "resources": {
        "default": {"cpu": "500m", "memory": "2Gi"},
        "Trainer": {
            "cpu": "4",
            "cpu_limit": "8",
            "memory": "16Gi",
            "memory_limit": "20Gi",
            "gpus": 1,
            "gpu_type": "example.com/gpu",
            "node_selector": {"pool": "gpu"},
            "tolerations": [
                {"key": "example.com/gpu", "value": "present", "effect": "NoSchedule"},
                {"operator": "Exists"},
            ],
        },
    },
}


def _compile(settings: Settings, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from pipeline.kubeflow.compile import compile_pipeline

    compile_pipeline(settings, path)
    specification, platforms = yaml.safe_load_all(path.read_text())
    return specification, platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kubeflow") / "pipeline.yaml"
    _compile(_settings(**RICH), path)
    return path


@pytest.fixture(scope="module")
def compiled(package: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    specification, platforms = yaml.safe_load_all(package.read_text())
    return specification, platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def _containers(specification: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By step."""
    executors = specification["deploymentSpec"]["executors"]
    assert all(list(executor) == ["container"] for executor in executors.values())
    components = specification["components"]
    return {
        step: executors[components[task["componentRef"]["name"]]["executorLabel"]]["container"]
        for step, task in specification["root"]["dag"]["tasks"].items()
    }


def _argument(container: dict[str, Any], option: str, count: int = 1) -> Any:
    place = container["args"].index(option) + 1
    values = container["args"][place : place + count]
    return values[0] if count == 1 else values


def _waits_for(specification: dict[str, Any]) -> dict[str, set[str]]:
    tasks = specification["root"]["dag"]["tasks"]
    return {step: set(task.get("dependentTasks", [])) for step, task in tasks.items()}


def test_each_node_is_a_container_that_waits_for_its_inputs(compiled):
    specification, _ = compiled
    assert specification["schemaVersion"] == "2.1.0"
    assert specification["pipelineInfo"]["name"] == "shop-1"
    assert _waits_for(specification) == STEPS
    for step, container in _containers(specification).items():
        assert container["image"] == (GPU_IMAGE if step == "trainer" else IMAGE)  # the only one with GPUs
        assert container["command"] == ["python", "-m", "pipeline.kubeflow.step"]
        assert _argument(container, "--node").lower() == step.replace("-", "")


def test_without_an_image_for_gpus_all_steps_have_the_same(tmp_path):
    settings = _settings(gpu_image="", resources={"Trainer": {"gpus": 1}})
    specification, _ = _compile(settings, tmp_path / "pipeline.yaml")
    assert {container["image"] for container in _containers(specification).values()} == {IMAGE}


def test_the_run_id_reaches_the_command_by_way_of_a_parameter(compiled):
    # Kubeflow fills `{{$.pipeline_job_uuid}}` in where it is a parameter's whole value, and not in a command.
    specification, _ = compiled
    for task in specification["root"]["dag"]["tasks"].values():
        constant = task["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"]
        assert constant == "{{$.pipeline_job_uuid}}"
        assert task["cachingOptions"].get("enableCache", False) is False
        assert task["retryPolicy"]["maxRetryCount"] == 4
    for container in _containers(specification).values():
        assert _argument(container, "--run-id") == "{{$.inputs.parameters['run_id']}}"


def test_a_step_carries_its_own_node_with_the_folders_inside_the_containers(compiled):
    specification, _ = compiled
    texts = {step: _argument(container, "--ir") for step, container in _containers(specification).items()}
    for step, text in texts.items():
        assert "{{" not in text and "$" not in text
        representation = json.loads(text)
        [node] = representation["nodes"]
        assert node["pipelineNode"]["nodeInfo"]["id"].lower() == step.replace("-", "")
        executors = representation["deploymentConfig"].get("executorSpecs", {})
        assert [name.lower() for name in executors] == (
            [] if step == "latest-blessed-model" else [step.replace("-", "")]
        )
        assert representation["runtimeSpec"]["pipelineRoot"]["runtimeParameter"]["defaultValue"] == {
            "stringValue": "/mnt/atalaya/artifacts/shop_1"
        }
        assert str(ROOT) not in text
    assert '"/mnt/atalaya/serving/shop_1"' in texts["pusher"].replace('\\"', '"')
    assert "/mnt/atalaya/recommendations/shop_1" in texts["batch-recommender"]
    read = json.loads(texts["ratings-example-gen"])["nodes"][0]["pipelineNode"]["parameters"]["parameters"]
    assert read["input_base"]["fieldValue"]["stringValue"] == "/mnt/data/shop"
    assert json.loads(read["settings"]["fieldValue"]["stringValue"])["data"]["item_columns"]["title"] == TITLE


def test_metrics_and_summaries_are_outputs_of_the_steps_that_know_them(compiled):
    specification, _ = compiled
    outputs = {
        name.removeprefix("comp-"): {
            key: artifact["artifactType"]["schemaTitle"]
            for key, artifact in component["outputDefinitions"]["artifacts"].items()
        }
        for name, component in specification["components"].items()
        if "outputDefinitions" in component
    }
    assert outputs == {
        "ratings-example-gen": {"summary": "system.Markdown"},
        "evaluator": {"metrics": "system.Metrics", "summary": "system.Markdown"},
        "pusher": {"summary": "system.Markdown"},
    }
    containers = _containers(specification)
    assert _argument(containers["evaluator"], "--executor-input") == "{{$}}"
    for step in outputs:
        assert _argument(containers[step], "--summary") == "{{$.outputs.artifacts['summary'].path}}"


def _known(value):
    """What every compiler writes; newer ones repeat names and amounts in other forms, and write out defaults."""
    if isinstance(value, list):
        return [_known(element) for element in value]
    if not isinstance(value, dict):
        return value
    repeats = ("resource", "secretNameParameter", "pvcNameParameter", "optional")
    return {key: _known(element) for key, element in value.items() if not key.startswith(repeats)}


def test_resources_are_the_steps_own_or_the_default(compiled):
    specification, kubernetes = compiled
    containers = _containers(specification)
    # In the specification an amount of memory is in units of 10^9 bytes: 2 Gi are 2 * 1.073741824 of them.
    assert _known(containers["transform"]["resources"]) == {"cpuRequest": 0.5, "memoryRequest": 2.147483648}
    assert _known(containers["trainer"]["resources"]) == {
        "cpuRequest": 4.0,
        "cpuLimit": 8.0,
        "memoryRequest": 17.179869184,
        "memoryLimit": 21.47483648,
        "accelerator": {"type": "example.com/gpu", "count": "1"},
    }
    nodes = {name: (executor.get("nodeSelector"), executor.get("tolerations")) for name, executor in kubernetes.items()}
    selector, tolerations = nodes.pop("exec-trainer")
    assert selector == {"labels": {"pool": "gpu"}}
    assert tolerations == [
        {"key": "example.com/gpu", "value": "present", "effect": "NoSchedule"},
        {"operator": "Exists"},
    ]
    assert set(nodes.values()) == {(None, None)}


def test_pod_security_admits_the_steps(compiled):
    """With what the server sets itself, from 2.17 on; `runAsNonRoot` alone it leaves to the pipeline."""
    _, kubernetes = compiled
    for executor in kubernetes.values():
        context = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        pod = {"containers": [{"name": "main", "securityContext": context}]}
        assert pod_security.violations(pod) == ["main may run as root"]
        context |= executor["securityContext"]
        assert pod_security.violations(pod) == []


def test_volumes_and_secrets_are_named_and_no_secret_is_shown(compiled):
    specification, kubernetes = compiled
    assert len(kubernetes) == len(STEPS)
    for executor in kubernetes.values():
        assert _known(executor["pvcMount"]) == [
            {"constant": "atalaya", "mountPath": "/mnt/atalaya"},
            {"constant": "data", "mountPath": "/mnt/data"},
        ]
        variables = {
            (secret["secretName"], pair["secretKey"]): pair["envVar"]
            for secret in executor["secretAsEnv"]
            for pair in secret["keyToEnv"]
        }
        assert variables == {
            ("atalaya-mysql", "username"): "ATALAYA_MYSQL_USER",
            ("atalaya-mysql", "password"): "ATALAYA_MYSQL_PASSWORD",
            ("cloud", "token"): "TOKEN",
        }
        assert _known(executor["secretAsVolume"]) == [{"secretName": "cloud", "mountPath": "/var/secrets"}]
        assert [secret["secretName"] for secret in executor["imagePullSecret"]] == ["registry", "mirror.example.com"]
    for container in _containers(specification).values():
        # Kubernetes makes $$ one $.
        assert container["env"] == [
            {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/var/secrets/key.json"},
            {"name": "PRICE", "value": "5$$ or $$(HOME)"},
        ]
        assert _argument(container, "--mysql", 3) == ["db", "3307", "shops"]
        assert "metadataConnectionConfig" not in _argument(container, "--ir")


def test_what_kubernetes_is_asked_is_what_the_servers_own_schema_knows(compiled):
    from google.protobuf import json_format
    from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig

    _, kubernetes = compiled
    # Older packages lack some of the fields; there, the others are held to it.
    is_older = "security_context" not in KubernetesExecutorConfig.DESCRIPTOR.fields_by_name
    for executor in kubernetes.values():
        known = json_format.ParseDict(executor, KubernetesExecutorConfig(), ignore_unknown_fields=is_older)
        assert is_older or known.security_context.run_as_non_root


def test_the_pipeline_asks_of_older_servers_only_what_they_know(compiled):
    _, kubernetes = compiled
    for executor in kubernetes.values():
        assert kubeflow_api.unknown_fields(executor, (2, 16)) == []
        assert kubeflow_api.unknown_fields(executor, (2, 5)) == ["securityContext"]  # as of run_as_non_root


def test_kubeflows_own_loader_takes_it_and_it_is_small(package):
    from kfp import components
    from kfp.pipeline_spec import pipeline_spec_pb2

    loaded = components.load_component_from_text(package.read_text())
    assert isinstance(loaded.pipeline_spec, pipeline_spec_pb2.PipelineSpec)
    assert set(loaded.pipeline_spec.root.dag.tasks) == set(STEPS)
    # Kubernetes' own limit for an object is about 1.5 MB, Argo's for a workflow 1 MB.
    assert package.stat().st_size < 200_000


def test_the_same_settings_give_the_same_bytes(package, tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom pipeline.kubeflow.compile import compile_pipeline\n"
        "from schemas.settings import Settings\n"
        "compile_pipeline(Settings.model_validate_json(sys.stdin.read()), Path(sys.argv[1]))\n"
    )
    again = tmp_path / "pipeline.yaml"
    # Another order of sets and dictionaries' hashes.
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(again)],
        input=_settings(**RICH).model_dump_json(),
        cwd=tmp_path,
        env=environment,
        text=True,
        check=True,
        capture_output=True,
    )
    assert again.read_bytes() == package.read_bytes()


def test_with_a_sqlite_file_one_step_runs_at_a_time(tmp_path):
    specification, kubernetes = _compile(_settings(metadata={"kind": "sqlite"}, retries=0), tmp_path / "pipeline.yaml")
    tasks, waits = specification["root"]["dag"]["tasks"], _waits_for(specification)
    order: list[str] = []
    while len(order) < len(STEPS):
        [ready] = [step for step in waits if step not in order and waits[step] <= set(order)]
        order.append(ready)
    assert all(STEPS[step] <= waits[step] for step in STEPS)
    for container in _containers(specification).values():
        assert _argument(container, "--sqlite") == "/mnt/atalaya/artifacts/shop_1/metadata.sqlite"
    assert not any(
        {"secretAsEnv", "imagePullSecret", "securityContext"} & executor.keys() for executor in kubernetes.values()
    )
    assert not any("env" in container for container in _containers(specification).values())
    assert not any("retryPolicy" in task for task in tasks.values())


@pytest.mark.parametrize("scheme", ["gs", "s3"])
def test_artifacts_can_lie_in_cloud_storage_and_what_is_pushed_on_a_volume(tmp_path, monkeypatch, scheme):
    # As if tensorflow-io, which s3:// needs, were installed.
    monkeypatch.setattr("pipeline.kubeflow.settings.find_spec", lambda name: name)
    specification, _ = _compile(
        _settings(root=f"{scheme}://bucket/atalaya/", outputs="/mnt/atalaya/out", data="gs://data/shop"),
        tmp_path / "pipeline.yaml",
    )
    containers = _containers(specification)
    pusher = _argument(containers["pusher"], "--ir")
    assert f'"{scheme}://bucket/atalaya/artifacts/shop_1"' in pusher
    assert "/mnt/atalaya/out/serving/shop_1" in pusher
    assert "/mnt/atalaya/out/recommendations/shop_1" in _argument(containers["batch-recommender"], "--ir")
    example_gen = _argument(containers["ratings-example-gen"], "--ir")
    assert '"stringValue":"gs://data/shop"' in example_gen and "gs:/data" not in example_gen


@pytest.mark.parametrize(
    ("kubeflow", "said"),
    [
        ({"image": ""}, "kubeflow.image: missing"),
        ({"data": None}, "data.folder is 'data', which no container has: set kubeflow.data"),
        ({"root": "hdfs://bucket"}, "kubeflow.root is 'hdfs://bucket'.*mount another store as a volume"),
        ({"root": "gs://"}, "kubeflow.root is 'gs://'"),
        ({"root": "gs://bucket"}, "kubeflow.outputs: gs://bucket is on no mounted volume"),
        (
            {"root": "gs://bucket", "outputs": "/mnt/atalaya", "metadata": {"kind": "sqlite"}},
            "kubeflow.metadata.sqlite.path: gs://bucket/artifacts/shop_1/metadata.sqlite is on no mounted volume",
        ),
        ({"outputs": "/srv"}, "kubeflow.outputs: /srv is on no mounted volume"),
        ({"root": "/mnt/atalaya2"}, "kubeflow.root: /mnt/atalaya2 is on no mounted volume.*mounted: /mnt/atalaya"),
        ({"volumes": []}, "is on no mounted volume.*mounted: none"),
        (
            {"metadata": {"kind": "sqlite", "sqlite": {"path": "/var/metadata.sqlite"}}},
            "kubeflow.metadata.sqlite.path: /var/metadata.sqlite is on no mounted volume",
        ),
        (
            {"metadata": {"kind": "sqlite", "sqlite": {"path": "/mnt/atalaya/"}}},
            "kubeflow.metadata.sqlite.path: /mnt/atalaya/ is the folder of a volume; give a file in it",
        ),
        ({"root": "/mnt/atalaya/../etc"}, "kubeflow.root: /mnt/atalaya/../etc contains `..`"),
        ({"data": "/srv/shop"}, "kubeflow.data: /srv/shop is on no mounted volume"),
        ({"resources": {"Trainr": {}}}, "kubeflow.resources.Trainr: no such step; the steps are: default, .*Trainer"),
        ({"resources": {"IndexExporter": {}}}, "IndexExporter: no such step"),
    ],
)
def test_what_could_only_fail_in_the_cluster_is_refused(tmp_path, kubeflow, said):
    from pipeline.kubeflow.compile import compile_pipeline

    with pytest.raises(SettingsError, match=said):
        compile_pipeline(_settings(**kubeflow), tmp_path / "pipeline.yaml")
    assert not (tmp_path / "pipeline.yaml").exists()


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ((3, 10, 13), "it is not installed here; install it here and in the image"),
        ((3, 11, 0), "it has no build for this Python; use ATALAYA_STACK=py310 and its image"),
        ((3, 13, 0), "it has no build for this Python; use ATALAYA_STACK=py310 and its image"),
    ],
)
def test_without_tensorflow_io_the_remedy_for_s3_is_one_that_the_python_allows(monkeypatch, python, said):
    monkeypatch.setattr("pipeline.kubeflow.settings.find_spec", lambda name: None)
    monkeypatch.setattr("pipeline.kubeflow.settings.sys", SimpleNamespace(version_info=python))
    with pytest.raises(SettingsError, match=f"kubeflow.root is 's3://bucket'.*tensorflow-io: {said}.*as a volume$"):
        kubeflow_settings.check(_settings(root="s3://bucket"))


DATAFLOW = {"project": "p", "region": "r", "temp_location": "gs://bucket/tmp", "image": "workers"}
CLOUD = {"root": "gs://bucket", "outputs": "/mnt/atalaya", "data": "gs://bucket/shop"}


@pytest.mark.parametrize(
    ("sections", "kubeflow", "said"),
    [
        ({"data": {"folder": "/srv/shop"}}, {"data": None}, "kubeflow.data: /srv/shop is on no mounted volume"),
        ({"data": {"folder": "/mnt/data/../.."}}, {"data": None}, "kubeflow.data: /mnt/data/../.. contains `..`"),
        (
            {"beam": {"engine": "portable", "portable": {"job_server": "localhost:8099"}}},
            {},
            "beam.portable.job_server is 'localhost:8099'.*the container itself",
        ),
        (
            {"beam": {"engine": "spark", "spark": {"job_server": "127.0.0.1:8099"}}},
            {},
            "beam.spark.job_server is '127.0.0.1:8099'.*the container itself",
        ),
        ({"beam": {"engine": "flink", "flink": {"rest": "flink:8081"}}}, {}, "start one with Java.*flink.job_server"),
        ({"beam": {"engine": "spark", "spark": {"master": "spark://s:7077"}}}, {}, "with Java.*spark.job_server"),
        (
            {"beam": {"engine": "flink", "flink": {"job_server": "flink:8099"}}},
            {"root": "s3://bucket", "outputs": "/mnt/atalaya"},
            "kubeflow.root is 's3://bucket'.*'flink' have no file system",
        ),
        (
            {"beam": {"engine": "dataflow", "dataflow": DATAFLOW}},
            {},
            "kubeflow.root is '/mnt/atalaya'.*give a gs:// address",
        ),
        (
            {"beam": {"engine": "dataflow", "dataflow": DATAFLOW}},
            CLOUD | {"data": "/mnt/data/shop"},
            "kubeflow.data is '/mnt/data/shop'.*give a gs:// address",
        ),
        ({"beam": {"engine": "dataflow", "dataflow": DATAFLOW}}, CLOUD, "batch.enabled: .*Dataflow's workers"),
    ],
)
def test_data_and_engines_out_of_the_steps_reach_are_refused(monkeypatch, sections, kubeflow, said):
    monkeypatch.setattr("pipeline.kubeflow.settings.find_spec", lambda name: name)
    with pytest.raises(SettingsError, match=said):
        kubeflow_settings.check(_settings(sections, **kubeflow))


@pytest.mark.parametrize(
    ("sections", "kubeflow"),
    [
        ({"data": {"folder": "/mnt/data/shop"}}, {"data": None}),
        ({"beam": {"engine": "flink", "flink": {"job_server": "flink:8099", "rest": "flink:8081"}}}, {}),
        ({"beam": {"engine": "dataflow", "dataflow": DATAFLOW}, "batch": {"enabled": False}}, CLOUD),
        ({"beam": {"portable": {"job_server": "localhost:8099"}}}, {"metadata": {"kind": "sqlite"}}),
    ],
)
def test_what_can_work_passes(sections, kubeflow):
    kubeflow_settings.check(_settings(sections, **kubeflow))


def test_another_ending_than_yaml_is_refused(tmp_path):
    from pipeline.kubeflow.compile import compile_pipeline

    with pytest.raises(SettingsError, match=r"pipeline.json: .*ends in \.yaml"):
        compile_pipeline(_settings(), tmp_path / "pipeline.json")
