import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.engines import beam
from schemas.settings import BeamSettings

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

ROOT = Path(__file__).parents[3]


FLINK = {
    "job_server": "flink:8099",
    "parallelism": 8,
    "workers": {"external": {"address": "localhost:50000"}, "processes": 4},
}
DATAFLOW = {"project": "p", "region": "r", "temp_location": "gs://b/t", "max_num_workers": 9, "public_ips": False}


def _parse(**settings) -> "PipelineOptions":
    """What Beam itself makes of the arguments, of which it knows all."""
    from apache_beam.options.pipeline_options import PipelineOptions

    arguments = beam.arguments(BeamSettings.model_validate(settings))
    options = PipelineOptions(arguments)
    assert options.get_all_options(retain_unknown_options=True).keys() == options.get_all_options().keys()
    return options


def _read(**settings) -> tuple[dict[str, Any], list[str]]:
    """The options, and what Beam finds wrong with them."""
    from apache_beam.options.pipeline_options import StandardOptions
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners import runner

    options = _parse(**settings)
    engine = runner.create_runner(options.view_as(StandardOptions).runner)
    return options.get_all_options(drop_default=True), PipelineOptionsValidator(options, engine).validate()


def test_one_worker_runs_in_memory_and_more_in_processes():
    assert not any("direct" in argument for argument in beam.arguments(BeamSettings()))
    assert "--direct_num_workers=3" in beam.arguments(BeamSettings(workers=3))


def test_a_running_job_server_of_flink_and_its_worker_pools():
    options, errors = _read(engine="flink", flink=FLINK)
    assert not errors
    assert (options["runner"], options["job_endpoint"], options["parallelism"]) == ("FlinkRunner", "flink:8099", 8)
    assert (options["environment_type"], options["environment_config"]) == ("EXTERNAL", "localhost:50000")
    assert int(options["sdk_worker_parallelism"]) == 4


def test_a_job_server_of_our_own_for_a_cluster_of_flink_or_spark():
    options, errors = _read(engine="flink", flink={"rest": "jm:8081", "job_server_jar": "/j.jar"})
    assert not errors and "job_endpoint" not in options
    assert (options["flink_master"], options["flink_version"], options["flink_job_server_jar"]) == (
        "jm:8081",
        "1.19",
        "/j.jar",
    )
    options, errors = _read(engine="spark", spark={"master": "spark://m:7077"})
    assert not errors and options["spark_master_url"] == "spark://m:7077"


def test_workers_of_the_engines_own_and_in_containers():
    from apache_beam.options.pipeline_options import PortableOptions
    from apache_beam.transforms.environments import DockerEnvironment

    workers = {"kind": "process", "process": {"command": "/opt/worker"}}
    options, errors = _read(engine="portable", portable={"job_server": "j:1", "workers": workers})
    assert not errors
    assert (options["environment_type"], options["environment_options"]) == ("PROCESS", ["process_command=/opt/worker"])
    workers = {"kind": "docker", "docker": {"image": "registry/atalaya:1"}}
    settings = {"engine": "portable", "portable": {"job_server": "j:1", "workers": workers}}
    options, errors = _read(**settings)
    assert not errors
    assert options["environment_type"] == "DOCKER"
    environment = DockerEnvironment.from_options(_parse(**settings).view_as(PortableOptions))
    assert environment.container_image == "registry/atalaya:1"


def test_dataflow_gets_an_image_or_packages():
    # Parsed alone: Beam's validation would look for credentials on the network.
    options = _parse(engine="dataflow", dataflow=DATAFLOW | {"image": "registry/atalaya:1"}).get_all_options()
    assert (options["project"], options["region"], options["temp_location"]) == ("p", "r", "gs://b/t")
    assert (options["sdk_container_image"], options["max_num_workers"]) == ("registry/atalaya:1", 9)
    assert options["use_public_ips"] is False and options["num_workers"] is None
    options = _parse(engine="dataflow", dataflow=DATAFLOW | {"packages": ["a.whl", "b.whl"]}).get_all_options()
    assert options["extra_packages"] == ["a.whl", "b.whl"]


def test_the_arguments_name_a_runner_that_runs_a_pipeline():
    program = (
        "import apache_beam\n"
        "from pipeline.engines import beam\n"
        "from pipeline.engines.signatures import remember_signatures\n"
        "from schemas.settings import BeamSettings\n"
        "remember_signatures()\n"
        "with apache_beam.Pipeline(argv=beam.arguments(BeamSettings())) as pipeline:\n"
        "    pipeline | apache_beam.Create([3, 4]) | apache_beam.CombineGlobally(sum) | apache_beam.Map(print)\n"
        "print(type(pipeline.runner).__name__)\n"
    )
    process = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert process.stdout.split() == ["7", "FnApiRunner"], process.stderr


def test_tfx_adds_no_package_of_itself_where_an_image_is_named():
    """It would build one for every step."""
    from tfx.utils import dependency_utils

    given = beam.arguments(BeamSettings())
    assert dependency_utils.make_beam_dependency_flags(given) == given
