"""The section `[kubeflow]`: the server of the runs, and their image, metadata store, volumes and resources.

The section has no secrets: passwords come from Kubernetes secrets, and the client's credentials from its environment.
"""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from schemas.settings.kubernetes import (
    Cores,
    DataFolder,
    Image,
    LabelValue,
    Memory,
    MountPath,
    Namespace,
    ObjectName,
    QualifiedName,
    SecretKey,
    Variable,
    VolumeName,
    amount,
)
from schemas.settings.section import Name, NonNegativeInt, Section, fits

MYSQL_USER, MYSQL_PASSWORD = "ATALAYA_MYSQL_USER", "ATALAYA_MYSQL_PASSWORD"
"""Environment variables through which a step receives user and password from the secret."""


class Volume(Section):
    """A persistent volume claim, mounted into every step's container."""

    claim: VolumeName
    """Name of the claim, without dots."""
    path: MountPath
    """Absolute path in the container."""


class Secret(Section):
    """A key of a Kubernetes secret, as an environment variable of every step's container."""

    secret: ObjectName
    """Name of the secret."""
    key: SecretKey
    """Its key."""
    variable: Variable
    """Name of the variable."""


class SecretFiles(Section):
    """A Kubernetes secret mounted into every step's container, with a file for each key."""

    secret: VolumeName
    """Name of the secret, without dots."""
    path: MountPath
    """Absolute path in the container."""


class Toleration(Section):
    """A taint of nodes that a step's pod tolerates, as in Kubernetes."""

    key: QualifiedName | None = None
    """Key of the taint. Absent: any, with the operator `Exists`."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """`Equal`: key and value must match; `Exists`: only the key must match."""
    value: LabelValue = ""
    """With the operator `Equal`: value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Absent: all effects."""

    @model_validator(mode="after")
    def _operator_fits(self) -> "Toleration":
        if self.operator == "Equal" and self.key is None:
            raise ValueError('a `key` is missing: only operator = "Exists" allows that')
        if self.operator == "Exists" and self.value:
            raise ValueError('`value` is of no use with operator = "Exists": leave it out, or use "Equal"')
        return self


class Resources(Section):
    """Resources that a step's container requests and may use, as in Kubernetes. Absent: the cluster's default."""

    cpu: Cores | None = None
    """Requested cores, such as `2` or `500m`."""
    cpu_limit: Cores | None = None
    """Maximum number of cores."""
    memory: Memory | None = None
    """Requested memory, such as `4Gi`."""
    memory_limit: Memory | None = None
    """Maximum memory."""
    gpus: NonNegativeInt = 0
    """Number of GPUs."""
    gpu_type: QualifiedName = "nvidia.com/gpu"
    """Kubernetes' resource name of the GPUs."""
    node_selector: dict[QualifiedName, LabelValue] = {}
    """Labels that a node must have to run the step."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that may run the step nevertheless. All servers from 2.5 on support them."""

    @model_validator(mode="after")
    def _limits_hold_what_is_asked_for(self) -> "Resources":
        for asked, limit in (("cpu", "cpu_limit"), ("memory", "memory_limit")):
            least, most = getattr(self, asked), getattr(self, limit)
            if least and most and amount(least) > amount(most):
                raise ValueError(f"`{limit}` ({most}) must not be below `{asked}` ({least})")
        return self


class SqliteSettings(Section):
    """A file on a volume."""

    path: MountPath | None = None
    """Path of the file. Absent: `metadata.sqlite` next to the artifacts."""


class MysqlSettings(Section):
    """A MySQL or MariaDB server, with a user who logs in with `mysql_native_password`."""

    host: Name = "atalaya-mysql"
    """Name of the server. The default is not `mysql`, which is the name of Kubeflow Pipelines' own server."""
    port: Annotated[int, Field(ge=1, le=65535)] = 3306
    """Port of the server."""
    database: Name = "atalaya"
    """Name of the database."""
    secret: ObjectName = "atalaya-mysql"
    """The Kubernetes secret with user and password."""
    user_key: SecretKey = "username"
    """Key of the user in the secret."""
    password_key: SecretKey = "password"
    """Key of the password in the secret."""


class MetadataStoreSettings(Section):
    """The store of TFX's metadata of the runs, from which the cache, the lineage and the blessings are read."""

    kind: Literal["sqlite", "mysql"] = "sqlite"
    """`sqlite` is for one run and one step at a time, `mysql` for several. The settings of each are in the table of its
    name."""
    sqlite: SqliteSettings = SqliteSettings()
    mysql: MysqlSettings = MysqlSettings()


class KubeflowSettings(Section):
    """A run on Kubeflow Pipelines 2."""

    host: Annotated[str, fits(r"(https?://[^\s@]+)?", "an http:// or https:// address without a user name")] = ""
    """Address of the API server, such as `http://localhost:8080`. Absent: the server in the namespace `kubeflow` of the
    cluster in which the command runs."""
    certificate_authority: Path | None = None
    """PEM file, on the machine on which the command runs, of the authority that signed the server's certificate.
    Absent: the system's authorities."""
    namespace: Namespace = "kubeflow"
    """Namespace of the runs, if the server has several users; ignored by other servers."""
    experiment: Name | None = None
    """Experiment of the runs. Absent: the recommender's name."""
    service_account: ObjectName | None = None
    """Kubernetes service account of the steps. Absent: the server's default. Servers before 2.17 ignore it for the runs
    of a schedule."""
    image: Image = ""
    """Container image with this project, by digest (`name@sha256:...`) if it must stay the same."""
    gpu_image: Image = ""
    """Container image of the steps with `gpus` in `resources`, from `make image GPU=1`. Absent: `image`."""
    image_pull_secrets: tuple[ObjectName, ...] = ()
    """Kubernetes secrets with the credentials of the images' registry. All servers from 2.5 on support them."""
    run_as_non_root: bool = False
    """Whether Kubernetes must refuse to run the steps' pods as root, as required in namespaces with the pod security
    level "restricted"; servers from 2.17 on set the rest that it requires. Servers before 2.16 refuse the run."""
    data: DataFolder | None = None
    """Folder of the data: on a mounted volume, or a `gs://` address. Absent: `data.folder`, which must then be
    absolute."""
    root: str = "/mnt/atalaya"
    """Folder of the artifacts: on a mounted volume, or a `gs://` or `s3://` address, which requires `outputs` too."""
    outputs: MountPath | None = None
    """Folder of the pushed models and recommendations, on a mounted volume. Absent: `root`."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """Number of times that a failed step is retried."""
    metadata: MetadataStoreSettings = MetadataStoreSettings()
    volumes: tuple[Volume, ...] = ()
    """Volumes mounted in every step."""
    variables: dict[Variable, str] = {}
    """Environment variables of every step's container, used literally. Do not put secrets here, since the compiled
    pipeline contains them."""
    secrets: tuple[Secret, ...] = ()
    """Secrets that every step receives in environment variables."""
    secret_files: tuple[SecretFiles, ...] = ()
    """Secrets that every step receives as files."""
    resources: dict[str, Resources] = {}
    """Resources by the name of the step, such as `Trainer`; `default` applies to all other steps."""
    time_zone: Name = "UTC"
    """Time zone of schedules, by its name in the IANA database. Kubeflow Pipelines has one time zone for all schedules,
    `UTC` or the value of its scheduler's variable `CRON_SCHEDULE_TIMEZONE`; give the same here."""
    catch_up: bool = False
    """Whether a schedule starts the runs that it missed while it was disabled or the server was down."""
    max_concurrency: Annotated[int, Field(ge=1, le=10)] = 1
    """Maximum number of runs of one schedule at the same time."""

    @field_validator("host")
    @classmethod
    def _host_is_an_address(cls, value: str) -> str:
        try:
            urlsplit(value).port  # noqa: B018, which raises where it is none
        except ValueError as error:
            raise ValueError(f"an address such as http://localhost:8080 is expected: {error}") from None
        return value

    @field_validator("variables")
    @classmethod
    def _values_are_no_placeholders(cls, value: dict[str, str]) -> dict[str, str]:
        for variable, text in value.items():
            if "{{" in text:
                raise ValueError(f"{variable} holds two braces, {{{{, which Kubeflow would fill in: write them apart")
        return value

    @model_validator(mode="after")
    def _variables_are_free(self) -> "KubeflowSettings":
        taken = {"PATH", MYSQL_USER, MYSQL_PASSWORD}
        for variable in [*self.variables, *(secret.variable for secret in self.secrets)]:
            if variable in taken:
                raise ValueError(
                    f"the variable {variable} is taken, by the image, the metadata store or another entry of "
                    "`variables` and `secrets`: give another name"
                )
            taken.add(variable)
        return self

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError):  # as it is a folder, no path below the database, or not there
            raise ValueError("a name of the IANA database, such as Europe/Madrid, is expected") from None

    @model_validator(mode="after")
    def _one_mount_a_path(self) -> "KubeflowSettings":
        mounted = [volume.path for volume in self.volumes] + [files.path for files in self.secret_files]
        paths = [PurePosixPath(path) for path in mounted]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"`volumes` and `secret_files` mount twice at {path}: give each a different path")
        return self

    @model_validator(mode="after")
    def _one_volume_a_name(self) -> "KubeflowSettings":
        names = [volume.claim for volume in self.volumes] + [files.secret for files in self.secret_files]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"`volumes` and `secret_files` have {name!r} twice, and Kubeflow names a volume after each entry: "
                    "mount a claim or secret once, and rename one of two that have the same name"
                )
        return self

    @model_validator(mode="after")
    def _one_at_a_time_on_sqlite(self) -> "KubeflowSettings":
        if self.metadata.kind == "sqlite" and self.max_concurrency > 1:
            raise ValueError(
                f'max_concurrency {self.max_concurrency} needs metadata.kind = "mysql": a SQLite file serves one run'
            )
        return self
