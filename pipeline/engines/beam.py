"""Beam's command-line arguments for each engine."""

from typing import Any

from schemas.settings import BeamSettings
from schemas.settings.beam import WorkerSettings

# Named in full: `DirectRunner` would first look for another runner on the network.
DIRECT = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""The argument that makes Beam run on this machine."""
_RUNNERS = {
    "direct": DIRECT,
    "flink": "--runner=FlinkRunner",
    "spark": "--runner=SparkRunner",
    "dataflow": "--runner=DataflowRunner",
    "portable": "--runner=PortableRunner",
}
# Not used, as no container is involved. Without it, TFX (1.16 to 1.21) builds a package of itself for every step, which
# takes two seconds each.
_NO_IMAGE = "none"
_WORKERS_KEPT_MS = 60_000


def arguments(settings: BeamSettings) -> list[str]:
    """Command-line arguments that make Beam run on the engine of the settings."""
    of_engine = {
        "direct": _direct,
        "flink": _flink,
        "spark": _spark,
        "dataflow": _dataflow,
        "portable": _portable,
    }[settings.engine]
    return [_RUNNERS[settings.engine], *of_engine(settings)]


def _direct(settings: BeamSettings) -> list[str]:
    if settings.workers == 1:
        return _given(sdk_container_image=_NO_IMAGE)
    return _given(
        sdk_container_image=_NO_IMAGE, direct_num_workers=settings.workers, direct_running_mode="multi_processing"
    )


def _flink(settings: BeamSettings) -> list[str]:
    flink = settings.flink
    if flink.job_server:
        place = _given(job_endpoint=flink.job_server)
    else:
        place = _given(flink_master=flink.rest, flink_version=flink.version, flink_job_server_jar=flink.job_server_jar)
    return [*place, *_given(parallelism=flink.parallelism), *_workers(flink.workers)]


def _spark(settings: BeamSettings) -> list[str]:
    spark = settings.spark
    if spark.job_server:
        place = _given(job_endpoint=spark.job_server)
    else:
        place = _given(spark_master_url=spark.master, spark_job_server_jar=spark.job_server_jar)
    return [*place, *_workers(spark.workers)]


def _dataflow(settings: BeamSettings) -> list[str]:
    dataflow = settings.dataflow
    arguments = _given(
        project=dataflow.project,
        region=dataflow.region,
        temp_location=dataflow.temp_location,
        staging_location=dataflow.staging_location,
        sdk_container_image=dataflow.image,
        sdk_location="container" if dataflow.image else None,
        machine_type=dataflow.machine_type,
        num_workers=dataflow.num_workers,
        max_num_workers=dataflow.max_num_workers,
        disk_size_gb=dataflow.disk_size_gb,
        service_account_email=dataflow.service_account,
        subnetwork=dataflow.subnetwork,
    )
    arguments += [f"--extra_package={path}" for path in dataflow.packages]
    return arguments if dataflow.public_ips else [*arguments, "--no_use_public_ips"]


def _portable(settings: BeamSettings) -> list[str]:
    return [*_given(job_endpoint=settings.portable.job_server), *_workers(settings.portable.workers)]


def _workers(workers: WorkerSettings) -> list[str]:
    environments = {
        "external": _given(environment_config=workers.external.address),
        "process": _given(environment_options=f"process_command={workers.process.command}"),
        "docker": _given(environment_options=f"docker_container_image={workers.docker.image}"),
    }
    return [
        *_given(environment_type=workers.kind.upper()),
        *environments[workers.kind],
        *_given(
            sdk_container_image=_NO_IMAGE,
            sdk_worker_parallelism=workers.processes,
            # Keep a process from one stage of a step to the next: a new one takes half a minute to import TensorFlow.
            environment_cache_millis=_WORKERS_KEPT_MS,
        ),
    ]


def _given(**options: Any) -> list[str]:
    """The options that have a value, as command-line arguments."""
    return [f"--{name}={value}" for name, value in options.items() if value is not None]
