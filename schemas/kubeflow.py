"""The settings of a run on Kubeflow Pipelines: where, with which image, store, volumes and resources.

Nothing secret is among them: passwords come from Kubernetes secrets, what the client shows the server from its
environment.
"""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from schemas.section import Name, PositiveInt, Section

MYSQL_USER, MYSQL_PASSWORD = "ATALAYA_MYSQL_USER", "ATALAYA_MYSQL_PASSWORD"
"""Environment variables through which a step receives them from the secret."""

MountPath = Annotated[str, Field(pattern=r"^/")]
"""An absolute path inside the containers."""


class Volume(Section):
    """A persistent volume claim, mounted into every step's container."""

    claim: Name
    path: MountPath


class Secret(Section):
    """A key of a Kubernetes secret, as an environment variable of every step's container."""

    secret: Name
    key: Name
    variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SecretFiles(Section):
    """A Kubernetes secret mounted into every step's container, a file a key."""

    secret: Name
    path: MountPath


class Resources(Section):
    """What a step's container asks for and may use, in Kubernetes' notation; absent: the cluster's default."""

    cpu: str | None = None
    """Cores asked for: `2`, `500m`."""
    cpu_limit: str | None = None
    memory: str | None = None
    """Memory asked for: `4Gi`."""
    memory_limit: str | None = None
    gpus: Annotated[int, Field(ge=0)] = 0
    gpu_type: str = "nvidia.com/gpu"
    """Kubernetes' name of the GPUs."""
    node_selector: dict[str, str] = {}
    """Labels that a node must have to run the step."""


class MetadataStoreSettings(Section):
    """Where TFX's metadata of the runs is kept: the cache, the lineage and the blessings are read from it."""

    kind: Literal["sqlite", "mysql"] = "sqlite"
    """`sqlite` is a file on a volume, for one run and one step at a time; `mysql` a MySQL or MariaDB server, with a
    user who logs in by `mysql_native_password`."""
    path: MountPath | None = None
    """SQLite: the file. Absent: `metadata.sqlite` beside the artifacts."""
    host: Name = "atalaya-mysql"
    """MySQL: the server. Not `mysql`, by default: that is what Kubeflow Pipelines calls its own."""
    port: PositiveInt = 3306
    database: Name = "atalaya"
    secret: Name = "atalaya-mysql"
    """MySQL: the Kubernetes secret that holds user and password."""
    user_key: Name = "username"
    password_key: Name = "password"


class KubeflowSettings(Section):
    """A run on Kubeflow Pipelines 2."""

    host: Annotated[str, Field(pattern=r"^(https?://[^\s@]+)?$")] = ""
    """Address of the API server, such as `http://localhost:8080`. Absent: that of the namespace `kubeflow` in the
    cluster that the command runs in."""
    namespace: Name = "kubeflow"
    """Of the runs, where the server has several users; one without asks for none."""
    experiment: Name | None = None
    """Absent: the recommender's name."""
    service_account: Name | None = None
    """The Kubernetes service account of the steps; absent: the server's default."""
    image: str = ""
    """The container image with this project installed, by digest (`name@sha256:...`) where it is to stay the same."""
    data: MountPath | None = None
    """The folder of the data inside the containers; absent: `data.folder`, which must be absolute then."""
    root: str = "/mnt/atalaya"
    """Folder of the artifacts on a mounted volume, or a `gs://` or `s3://` address; then `outputs` is needed too."""
    outputs: MountPath | None = None
    """Folder on a mounted volume for what others read: pushed models and recommendations. Absent: `root`."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a step that failed is tried again."""
    metadata: MetadataStoreSettings = MetadataStoreSettings()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[Secret, ...] = ()
    secret_files: tuple[SecretFiles, ...] = ()
    resources: dict[str, Resources] = {}
    """By the step's name, such as `Trainer`; `default` is for those that are not named."""
    time_zone: Name = "UTC"
    """Of schedules, by its name in the IANA database. Kubeflow Pipelines has one for all of them, `UTC` or what its
    scheduler's variable `CRON_SCHEDULE_TIMEZONE` says: this is the one that is expected there."""
    catch_up: bool = False
    """Whether a schedule makes up for the runs it missed while it was disabled or the server was down."""
    max_concurrency: Annotated[int, Field(ge=1, le=10)] = 1
    """Most runs of one schedule at a time."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError):  # as it is a folder, no path below the database, or not there
            raise ValueError("a name of the IANA database, such as Europe/Madrid, is expected") from None

    @model_validator(mode="after")
    def _one_at_a_time_on_sqlite(self) -> "KubeflowSettings":
        if self.metadata.kind == "sqlite" and self.max_concurrency > 1:
            raise ValueError(
                f'max_concurrency {self.max_concurrency} needs metadata.kind = "mysql": a SQLite file serves one run'
            )
        return self
