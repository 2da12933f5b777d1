"""Compiles the pipeline for Vertex AI Pipelines, with TFX's own runner for it.

The result is checked against the format's definition; it was never run. Two things differ there. Every run executes all
steps, as Vertex AI cannot see whether data changed. And a new model is compared with the last one that the Evaluator
blessed, as TFX chooses it, even if that is the same model.
"""

import re
from pathlib import Path

from pipeline.containers import artifacts, data, in_containers
from pipeline.garbage_collector import loading
from pipeline.vertex.resolver import use_own_strategy
from pipeline.vertex.step import MOUNTED, STORAGE
from schemas.errors import SettingsError
from schemas.settings import Settings

_STEP = ["python", "-m", "pipeline.vertex.step"]


def compile_pipeline(settings: Settings, path: Path) -> None:
    """Writes the pipeline as a `PipelineJob`.

    Args:
      settings: of the recommender; `kubeflow.image`, `kubeflow.root` (a `gs://` address) and `kubeflow.data` are used.
      path: the file to write, `.json`.

    Raises:
      SettingsError: something in the settings is missing or cannot work.
    """
    _check(settings, path)
    with loading():
        # Imported here: 10 to 30 seconds that --help and a wrong setting must not cost.
        from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

        from pipeline.pipeline import create_pipeline

    kubeflow = settings.kubeflow
    mounted = kubeflow.model_copy(update={"root": MOUNTED + kubeflow.root.removeprefix(STORAGE)})
    inside = in_containers(settings.model_copy(update={"kubeflow": mounted}))
    pipeline = create_pipeline(inside, artifacts(settings))
    [resolver] = [node for node in pipeline.components if node.id == "LatestBlessedModel"]
    use_own_strategy(resolver)
    pipeline.enable_cache = False
    config = KubeflowV2DagRunnerConfig(default_image=kubeflow.image, default_commands=_STEP)
    KubeflowV2DagRunner(config, output_dir=str(path.absolute().parent), output_filename=path.name).run(pipeline)


def _check(settings: Settings, path: Path) -> None:
    kubeflow = settings.kubeflow
    if path.suffix != ".json":
        raise SettingsError(f"{path}: Vertex AI needs a file that ends in .json; give one with -o")
    if not kubeflow.image:
        raise SettingsError("kubeflow.image: missing; name the container image that has this project installed")
    if not re.match(f"{STORAGE}[^/]", kubeflow.root):
        raise SettingsError(
            f"kubeflow.root is {kubeflow.root!r}: Vertex AI keeps artifacts in Cloud Storage; give a gs:// address"
        )
    for key, place in {"data": data(settings), "outputs": kubeflow.outputs or MOUNTED}.items():
        if not place.startswith(MOUNTED):
            raise SettingsError(
                f"kubeflow.{key} is {place!r}, which no container of Vertex AI has: give a folder of Cloud Storage, "
                f"such as {MOUNTED}bucket/folder"
            )
    if "{" in f"{settings.data.ratings}{settings.data.items}":
        raise SettingsError(
            f"data.ratings is {settings.data.ratings!r}, data.items {settings.data.items!r}: Vertex AI resolves no "
            "{SPAN} and the like; name the files"
        )
    if settings.beam.engine != "direct":
        raise SettingsError(
            f"beam.engine is {settings.beam.engine!r}: steps on Vertex AI work in a folder of their container, which "
            'workers elsewhere do not have; set it to "direct"'
        )
    if "_" in settings.name:
        raise SettingsError(f"name is {settings.name!r}: Vertex AI allows letters, digits and - in a pipeline's name")
