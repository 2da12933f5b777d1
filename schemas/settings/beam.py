"""The section `[beam]`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import model_validator

from schemas.settings.section import PositiveInt, Section, fits

_ADDRESS = r"[^\s:/,]+:[0-9]{1,5}"
Address = Annotated[str, fits(_ADDRESS, "host:port without a scheme, such as localhost:8099,")]
"""`host:port`, without a scheme."""
CloudFolder = Annotated[str, fits("gs://[^/]+.*", "a gs:// address such as gs://bucket/folder")]


class ExternalWorkers(Section):
    """A worker pool that runs on each of the cluster's hosts."""

    address: Address = "localhost:50000"
    """Address of the pool, `host:port`, as seen from each of the cluster's hosts."""


class ProcessWorkers(Section):
    """A program that the engine starts on each of the cluster's hosts."""

    command: str | None = None
    """Path of the program, which takes the arguments of Beam's `boot` program. Required with `kind = "process"`."""


class DockerWorkers(Section):
    """A container that the engine starts on each of the cluster's hosts."""

    image: str | None = None
    """The container image, with this project and Beam's `boot` program. Required with `kind = "docker"`."""


class WorkerSettings(Section):
    """The Python processes in which an engine on a cluster runs the steps' code.

    The processes always need this project and its locked packages, and access to the folders of the data and of the
    artifacts under the same paths as on the machine that runs the pipeline.
    """

    kind: Literal["external", "process", "docker"] = "external"
    """How the processes are started; the settings of each way are in the table of its name."""
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
    """An engine that is reached through a Beam job server."""

    job_server: Address | None = None
    """Address of a running job server, `host:port`."""
    workers: WorkerSettings = WorkerSettings()


class FlinkSettings(JobServerSettings):
    """An Apache Flink cluster, reached through a Beam job server; either `job_server` or `rest` is required."""

    rest: Address | None = None
    """Without `job_server`: address of the cluster's REST endpoint, `host:port`. A job server is started here for each
    step, which needs Java."""
    job_server_jar: Path | None = None
    """With `rest`: jar of the job server. Absent: Beam downloads the one for its own version and `version`."""
    version: Literal["1.17", "1.18", "1.19", "1.20", "2.0"] = "1.19"
    """Version of the cluster."""
    parallelism: PositiveInt | None = None
    """Number of slots for a step. Absent: the cluster's default."""


class SparkSettings(JobServerSettings):
    """An Apache Spark 3 cluster, reached through a Beam job server; either `job_server` or `master` is required."""

    master: (
        Annotated[
            str,
            fits(
                rf"spark://{_ADDRESS}(,{_ADDRESS})*|local(\[[0-9*]+\])?",
                "the address of a Spark cluster, such as spark://host:7077, or local[4],",
            ),
        ]
        | None
    ) = None
    """Without `job_server`: address of the cluster, such as `spark://host:7077` or `local[4]`. A job server is started
    here, which needs Java."""
    job_server_jar: Path | None = None
    """With `master`: jar of the job server. Absent: Beam downloads the one for its own version."""


class DataflowSettings(Section):
    """Google Cloud Dataflow, with the credentials of the environment.

    `project`, `region`, `temp_location` and either `image` or `packages` are required.
    """

    project: str | None = None
    """Id of the Google Cloud project."""
    region: str | None = None
    """Region of the jobs, such as `europe-west4`."""
    temp_location: CloudFolder | None = None
    """`gs://` folder for temporary files of the workers."""
    staging_location: CloudFolder | None = None
    """`gs://` folder for files that are sent to the workers. Absent: below `temp_location`."""
    image: str | None = None
    """Container image of the workers, with this project and Beam's `boot` program."""
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
    """Any other runner with a Beam job server; `job_server` is required."""


class BeamSettings(Section):
    """The Apache Beam engine of the data steps, the Evaluator's questions to the models, and batch recommendations."""

    engine: Literal["direct", "flink", "spark", "dataflow", "portable"] = "direct"
    """`direct` is Beam's own engine, on this machine; the settings of the others are in the tables of their names."""
    workers: PositiveInt = 1
    """With `direct`: number of processes; 1 runs in memory, which is fastest for up to a few million rows."""
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
        """Returns the address to which jobs are submitted from here, None without one in the settings."""
        if self.engine == "flink":
            return self.flink.job_server or self.flink.rest
        if self.engine == "spark":
            return self.spark.job_server
        return self.portable.job_server if self.engine == "portable" else None
