"""The settings of the engine that runs the data steps on Apache Beam."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.settings.section import PositiveInt, Section

Address = Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
"""`host:port`, without a scheme."""
CloudFolder = Annotated[str, Field(pattern=r"^gs://[^/]+")]


class WorkerSettings(Section):
    """Where an engine on a cluster gets the Python processes that run the steps' code.

    In all cases, the processes need this project and its locked packages, and must see the folders of the data and
    of the artifacts under the same paths as the machine that runs the pipeline.
    """

    kind: Literal["external", "process", "docker"] = "external"
    """`external` asks a worker pool that runs on each of the cluster's hosts, `process` starts a program there,
    `docker` a container."""
    address: Address = "localhost:50000"
    """`external`: address of the pool, as seen from each of the cluster's hosts."""
    command: str | None = None
    """`process`: path of the program, which follows Beam's contract of a container's `boot`."""
    image: str | None = None
    """`docker`: the container image, with this project and Beam's `boot` in it."""
    processes: PositiveInt = 1
    """Python processes on each of the cluster's hosts."""

    @model_validator(mode="after")
    def _is_complete(self) -> "WorkerSettings":
        for kind, key in (("process", "command"), ("docker", "image")):
            if self.kind == kind and not getattr(self, key):
                raise ValueError(f'kind = "{kind}" needs `{key}`')
        return self


class FlinkSettings(Section):
    """An Apache Flink cluster, reached through Beam's job server."""

    job_server: Address | None = None
    """A running job server, next to the cluster."""
    rest: Address | None = None
    """Otherwise the cluster's REST endpoint: a job server is started here for each step, which needs Java."""
    job_server_jar: Path | None = None
    """With `rest`: the job server's file; absent, Beam downloads the one of its version and of `version`."""
    version: Literal["1.17", "1.18", "1.19", "1.20", "2.0"] = "1.19"
    """Version of the cluster."""
    parallelism: PositiveInt | None = None
    """Slots a step uses; absent, the cluster's default."""
    workers: WorkerSettings = WorkerSettings()


class SparkSettings(Section):
    """An Apache Spark 3 cluster, reached through Beam's job server."""

    job_server: Address | None = None
    """A running job server, next to the cluster."""
    master: (
        Annotated[str, Field(pattern=r"^(spark://[^\s:/,]+:[0-9]{1,5}(,[^\s:/,]+:[0-9]{1,5})*|local(\[[0-9*]+\])?)$")]
        | None
    ) = None
    """Otherwise the cluster's address, `spark://host:7077` or `local[4]`: a job server is started here; needs Java."""
    job_server_jar: Path | None = None
    """With `master`: the job server's file; absent, Beam downloads the one of its version."""
    workers: WorkerSettings = WorkerSettings()


class DataflowSettings(Section):
    """Google Cloud Dataflow; its credentials are those of the environment."""

    project: str | None = None
    region: str | None = None
    temp_location: CloudFolder | None = None
    """Folder for what is passed between the workers."""
    staging_location: CloudFolder | None = None
    """Folder for what is sent to the workers; absent, below `temp_location`."""
    image: str | None = None
    """Container image of the workers, with this project and Beam's `boot` in it."""
    packages: tuple[Path, ...] = ()
    """Instead of an image: wheels that each worker installs when it starts, this project's first."""
    machine_type: str | None = None
    num_workers: PositiveInt | None = None
    """To begin with; absent, Dataflow chooses."""
    max_num_workers: PositiveInt | None = None
    disk_size_gb: PositiveInt | None = None
    service_account: str | None = None
    """Email of the workers' account; absent, the project's default."""
    subnetwork: str | None = None
    public_ips: bool = True


class PortableSettings(Section):
    """Any other runner with a Beam job server."""

    job_server: Address | None = None
    workers: WorkerSettings = WorkerSettings()


class BeamSettings(Section):
    """The engine that runs the data steps, and the engines' own options; those of other engines are ignored."""

    engine: Literal["direct", "flink", "spark", "dataflow", "portable"] = "direct"
    """`direct` is Beam's own, on this machine."""
    workers: PositiveInt = 1
    """Processes of the direct engine; 1 runs in memory, which is fastest up to some millions of rows."""
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
