"""The section `[beam]`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.settings.section import PositiveInt, Section

Address = Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
"""`host:port`, without a scheme."""
CloudFolder = Annotated[str, Field(pattern=r"^gs://[^/]+")]


class ExternalWorkers(Section):
    """A worker pool that runs on each of the cluster's hosts."""

    address: Address = "localhost:50000"
    """Address of the pool, `host:port`, as seen from each of the cluster's hosts."""


class ProcessWorkers(Section):
    """A program that the engine starts on each of the cluster's hosts."""

    command: str | None = None
    """Path of the program, which follows Beam's contract of a container's `boot`. Needed with `kind = "process"`."""


class DockerWorkers(Section):
    """A container that the engine starts on each of the cluster's hosts."""

    image: str | None = None
    """The container image, with this project and Beam's `boot` in it. Needed with `kind = "docker"`."""


class WorkerSettings(Section):
    """Where an engine on a cluster gets the Python processes that run the steps' code.

    In all cases, the processes need this project and its locked packages, and must see the folders of the data and
    of the artifacts under the same paths as the machine that runs the pipeline.
    """

    kind: Literal["external", "process", "docker"] = "external"
    """Where the processes come from. The tables of these names hold the settings of each."""
    external: ExternalWorkers = ExternalWorkers()
    process: ProcessWorkers = ProcessWorkers()
    docker: DockerWorkers = DockerWorkers()
    processes: PositiveInt = 1
    """Number of Python processes on each of the cluster's hosts."""

    @model_validator(mode="after")
    def _is_complete(self) -> "WorkerSettings":
        for kind, key, value in (("process", "command", self.process.command), ("docker", "image", self.docker.image)):
            if self.kind == kind and not value:
                raise ValueError(f'kind = "{kind}" needs `{kind}.{key}`')
        return self


class JobServerSettings(Section):
    """An engine that is reached through a job server of Beam's."""

    job_server: Address | None = None
    """Address of a running job server, `host:port`."""
    workers: WorkerSettings = WorkerSettings()


class FlinkSettings(JobServerSettings):
    """An Apache Flink cluster, reached through a job server of Beam's; either `job_server` or `rest` is needed."""

    rest: Address | None = None
    """Without `job_server`: address of the cluster's REST endpoint, `host:port`. A job server is started here for each
    step, which needs Java."""
    job_server_jar: Path | None = None
    """With `rest`: the job server's file. Absent: Beam downloads the one of its version and of `version`."""
    version: Literal["1.17", "1.18", "1.19", "1.20", "2.0"] = "1.19"
    """Version of the cluster."""
    parallelism: PositiveInt | None = None
    """Number of slots that a step uses. Absent: the cluster's default."""


class SparkSettings(JobServerSettings):
    """An Apache Spark 3 cluster, reached through a job server of Beam's; either `job_server` or `master` is needed."""

    master: (
        Annotated[str, Field(pattern=r"^(spark://[^\s:/,]+:[0-9]{1,5}(,[^\s:/,]+:[0-9]{1,5})*|local(\[[0-9*]+\])?)$")]
        | None
    ) = None
    """Without `job_server`: address of the cluster, such as `spark://host:7077` or `local[4]`. A job server is started
    here, which needs Java."""
    job_server_jar: Path | None = None
    """With `master`: the job server's file. Absent: Beam downloads the one of its version."""


class DataflowSettings(Section):
    """Google Cloud Dataflow; its credentials are those of the environment.

    `project`, `region`, `temp_location` and either `image` or `packages` are needed.
    """

    project: str | None = None
    """Id of the Google Cloud project."""
    region: str | None = None
    """Region of the jobs, such as `europe-west4`."""
    temp_location: CloudFolder | None = None
    """`gs://` folder for what the workers exchange."""
    staging_location: CloudFolder | None = None
    """`gs://` folder for what is sent to the workers. Absent: below `temp_location`."""
    image: str | None = None
    """Container image of the workers, with this project and Beam's `boot` in it."""
    packages: tuple[Path, ...] = ()
    """Instead of an image: wheels that each worker installs when it starts, this project's first."""
    machine_type: str | None = None
    """Machine type of the workers. Absent: Dataflow chooses."""
    num_workers: PositiveInt | None = None
    """Number of workers at the start. Absent: Dataflow chooses."""
    max_num_workers: PositiveInt | None = None
    """Maximum number of workers. Absent: Dataflow chooses."""
    disk_size_gb: PositiveInt | None = None
    """Size of each worker's disk, in GB. Absent: Dataflow's default."""
    service_account: str | None = None
    """Email of the workers' account. Absent: the project's default."""
    subnetwork: str | None = None
    """Subnetwork of the workers. Absent: the project's default network."""
    public_ips: bool = True
    """Whether the workers have public IP addresses."""


class PortableSettings(JobServerSettings):
    """Any other runner with a job server of Beam's; `job_server` is needed."""


class BeamSettings(Section):
    """The engine that runs the data steps on Apache Beam."""

    engine: Literal["direct", "flink", "spark", "dataflow", "portable"] = "direct"
    """`direct` is Beam's own, on this machine; the tables of the other names hold the settings of each."""
    workers: PositiveInt = 1
    """With `direct`: number of processes; 1 runs in memory, which is fastest up to some millions of rows."""
    flink: FlinkSettings = FlinkSettings()
    spark: SparkSettings = SparkSettings()
    dataflow: DataflowSettings = DataflowSettings()
    portable: PortableSettings = PortableSettings()

    @model_validator(mode="after")
    def _engine_is_complete(self) -> "BeamSettings":
        required: dict[str, tuple[tuple[str, ...], ...]] = {
            "flink": (("job_server", "rest"),),
            "spark": (("job_server", "master"),),
            "dataflow": (("project",), ("region",), ("temp_location",), ("image", "packages")),
            "portable": (("job_server",),),
        }
        for choices in required.get(self.engine, ()):
            options = getattr(self, self.engine)
            if not any(getattr(options, key) for key in choices):
                keys = " or ".join(f"`{self.engine}.{key}`" for key in choices)
                raise ValueError(f'engine = "{self.engine}" needs {keys}')
        return self

    def endpoint(self) -> str | None:
        """Address that jobs are submitted to from here, or None if the settings name none."""
        if self.engine == "flink":
            return self.flink.job_server or self.flink.rest
        if self.engine == "spark":
            return self.spark.job_server
        return self.portable.job_server if self.engine == "portable" else None
