"""What is compiled for Vertex AI, held against the format's definition; it waits 20 s for TFX to be imported."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SettingsError
from schemas.settings import Settings

IMAGE = "atalaya@sha256:" + "1" * 64


def _settings(name: str = "shop", ratings: str = "ratings.csv", beam: Any = None, **kubeflow: Any) -> Settings:
    given = {"image": IMAGE, "root": "gs://bucket/atalaya", "data": "/gcs/bucket/shop"}
    tree = {
        "name": name,
        "data": {"folder": "data", "ratings": ratings, "items": None},
        "batch": {"enabled": True},
        "beam": beam or {},
        "kubeflow": given | kubeflow,
    }
    return Settings.model_validate_json(json.dumps(tree))


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    from pipeline.vertex.compile import compile_pipeline

    path = tmp_path_factory.mktemp("vertex") / "pipeline.json"
    compile_pipeline(_settings(), path)
    # A field that the definition does not have is an error.
    job = json_format.Parse(path.read_text(), pipeline_spec_pb2.PipelineJob())
    assert job.runtime_config.gcs_output_directory == "gs://bucket/atalaya/artifacts/shop"
    return json_format.ParseDict(json_format.MessageToDict(job.pipeline_spec), pipeline_spec_pb2.PipelineSpec())


def test_each_task_has_a_component_an_executor_and_inputs_that_another_makes(specification):
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    deployment = json_format.ParseDict(
        json_format.MessageToDict(specification.deployment_spec), pipeline_spec_pb2.PipelineDeploymentConfig()
    )
    tasks = specification.root.dag.tasks
    assert len(tasks) > 10
    for task in tasks.values():
        component = specification.components[task.component_ref.name]
        assert component.executor_label in deployment.executors
        assert set(task.dependent_tasks) <= set(tasks)
        assert set(task.inputs.artifacts) <= set(component.input_definitions.artifacts)
        for artifact in task.inputs.artifacts.values():
            source = artifact.task_output_artifact
            outputs = specification.components[tasks[source.producer_task].component_ref.name].output_definitions
            assert source.output_artifact_key in outputs.artifacts


def test_the_image_the_data_and_the_place_to_push_to_are_the_settings(specification):
    text = str(specification)
    assert IMAGE in text
    assert "/gcs/bucket/shop" in text
    assert "/gcs/bucket/atalaya/serving/shop" in text


def test_each_step_runs_where_cloud_storage_is_a_folder_and_never_on_old_data(specification):
    from google.protobuf import json_format

    executors = json_format.MessageToDict(specification.deployment_spec)["executors"].values()
    commands = [executor["container"]["command"] for executor in executors if "container" in executor]
    assert len(commands) > 10
    assert all(command == ["python", "-m", "pipeline.vertex.step"] for command in commands)
    assert not any(task.caching_options.enable_cache for task in specification.root.dag.tasks.values())


def test_the_evaluator_is_given_the_last_blessed_model(specification):
    [source] = [
        artifact.task_output_artifact.producer_task
        for name, artifact in specification.root.dag.tasks["Evaluator"].inputs.artifacts.items()
        if name == "baseline_model"
    ]
    assert source == "LatestBlessedModel-model-resolver"


@pytest.mark.parametrize(
    ("settings", "name", "said"),
    [
        ({}, "pipeline.yaml", r"ends in \.json"),
        ({"image": ""}, "pipeline.json", "kubeflow.image: missing"),
        ({"root": "/mnt/atalaya"}, "pipeline.json", "kubeflow.root is '/mnt/atalaya'.*give a gs:// address"),
        ({"root": "gs://"}, "pipeline.json", "kubeflow.root is 'gs://'"),
        ({"data": None}, "pipeline.json", "kubeflow.data is 'data', which no container"),
        ({"data": "/mnt/atalaya/data"}, "pipeline.json", "kubeflow.data is '/mnt/atalaya/data'"),
        ({"outputs": "/mnt/atalaya"}, "pipeline.json", "kubeflow.outputs is '/mnt/atalaya'"),
        ({"name": "shop_1"}, "pipeline.json", "name is 'shop_1'"),
        ({"ratings": "span-{SPAN}/r.csv"}, "pipeline.json", "resolves no {SPAN}"),
        ({"beam": {"engine": "portable", "portable": {"job_server": "j:1"}}}, "pipeline.json", "engine is 'portable'"),
    ],
)
def test_what_vertex_ai_would_refuse_is_refused(tmp_path: Path, settings, name, said):
    from pipeline.vertex.compile import compile_pipeline

    with pytest.raises(SettingsError, match=said):
        compile_pipeline(_settings(**settings), tmp_path / name)
