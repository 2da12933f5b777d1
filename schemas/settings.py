"""The settings of one recommender: a frozen, typed tree read from one TOML file.

`load` refuses unknown keys, wrong types and impossible combinations at once, naming the key's path. Every
setting has a default that is right for most data sets; a file needs only `name` and `data.folder`.
Relative paths are relative to the working directory.
"""

import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomli
from pydantic import Field, ValidationError, field_validator, model_validator

from schemas.beam import BeamSettings
from schemas.errors import SettingsError
from schemas.kubeflow import KubeflowSettings
from schemas.metrics import METRICS
from schemas.on_device import OnDeviceSettings
from schemas.section import Dropout, Name, NonNegative, PositiveInt, Section, Share
from schemas.slices import slice_labels

RECOMMENDER_NAME = r"[a-z0-9][a-z0-9_-]*"
"""Pattern of a recommender's name, which is a folder's name too."""


class RatingColumns(Section):
    """Names of the ratings file's columns; other columns are ignored."""

    user: Name = "user_id"
    item: Name = "item_id"
    rating: Name = "rating"
    timestamp: Name = "timestamp"

    @model_validator(mode="after")
    def _differ(self) -> "RatingColumns":
        names = [self.user, self.item, self.rating, self.timestamp]
        if len(set(names)) < len(names):
            raise ValueError(f"user, item, rating and timestamp must be four different columns, got {names}")
        return self


class ItemColumns(Section):
    """Names of the items file's columns; without a title column an item is shown by its id."""

    item: Name = "item_id"
    title: str | None = "title"
    genres: str | None = "genres"


class DataSettings(Section):
    """Where the data lies and how it is read."""

    folder: Path
    ratings: Name = "ratings.csv"
    """File below `folder`; may hold `{SPAN}` as in TFX's ExampleGen (`span-{SPAN}/ratings.csv`)."""
    items: str | None = "items.csv"
    """File below `folder` with one row an item, or absent (`items = ""`): then the catalogue is the items rated."""
    columns: RatingColumns = RatingColumns()
    item_columns: ItemColumns = ItemColumns()
    delimiter: Annotated[str, Field(pattern=r"^[\t -~]$")] = ","
    """One ASCII character, not the quote."""
    genre_separator: Annotated[str, Field(min_length=1)] = "|"
    timestamp_format: str = "unix"
    """`unix` (seconds since 1970-01-01 UTC), or a strptime format such as `%m/%d/%Y %H:%M`, read as UTC."""
    rating_scale: tuple[float, float] | None = None
    """Lowest and highest rating; a rating outside is rejected. Absent: the span of the training ratings."""
    max_reject_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """More rejected rows than this share of a file stop the run."""

    @field_validator("items", mode="before")
    @classmethod
    def _no_items_file(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("delimiter")
    @classmethod
    def _delimiter_is_no_quote(cls, value: str) -> str:
        if value == '"':
            raise ValueError("the quote holds fields together and cannot part them")
        return value

    @field_validator("timestamp_format")
    @classmethod
    def _format_reads_back(cls, value: str) -> str:
        moment = datetime(2001, 12, 31, 23, 59, 58, tzinfo=timezone.utc)
        try:
            if value != "unix" and datetime.strptime(moment.strftime(value), value).year != moment.year:
                raise ValueError("it holds no year")
        except ValueError as error:
            raise ValueError(f"`unix` or a strptime format such as %m/%d/%Y %H:%M is needed: {error}") from None
        return value

    @model_validator(mode="after")
    def _same_placeholders(self) -> "DataSettings":
        ratings, items = (set(re.findall(r"\{(\w+)", pattern or "")) for pattern in (self.ratings, self.items))
        if self.items and ratings != items:
            raise ValueError(
                f"`ratings` is {self.ratings!r} and `items` is {self.items!r}: both need the same placeholders "
                "({SPAN}, {VERSION}, ...); put the items beside the ratings of each span"
            )
        return self

    @field_validator("rating_scale")
    @classmethod
    def _scale_ascends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError(f"the lowest rating must be below the highest, got {list(value)}")
        return value


class SplitSettings(Section):
    """How ratings are divided into training and evaluation."""

    method: Literal["random", "time"] = "random"
    """`random`: a seeded hash of (user, item); `time`: the latest events are evaluated on."""
    eval_share: Share = 0.2
    seed: Annotated[int, Field(ge=0)] = 42


class FeatureSettings(Section):
    """What is computed from the columns."""

    history_length: PositiveInt = 50
    """Most recent training events of the user that an example carries."""
    title_words: PositiveInt = 10_000
    """Size of the vocabulary of words in titles."""
    user_activity_bounds: tuple[PositiveInt, ...] = (1, 10, 50, 200)
    """Evaluation slices by the user's number of training events: lower bounds, ascending."""
    item_popularity_bounds: tuple[PositiveInt, ...] = (1, 10, 100)
    """Evaluation slices by the item's number of training events: lower bounds, ascending."""

    @field_validator("user_activity_bounds", "item_popularity_bounds")
    @classmethod
    def _bounds_ascend(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError(f"bounds must ascend, got {list(value)}")
        return value


class RetrievalSettings(Section):
    """The retrieval model that proposes candidates; docs/models.md tells what each part is for."""

    user_id: bool = True
    """Query tower: a vector of the user's own."""
    history: Literal["sum", "decayed", "attention", "none"] = "sum"
    """Query tower: the user's items, pooled: all alike, later ones more, or by learned weights."""
    history_length: PositiveInt = 500
    """Most recent training events of the user that a query draws on."""
    history_half_life: PositiveInt = 10
    """With `history = "decayed"`: an item so many events back counts half."""
    last_items: Annotated[int, Field(ge=0)] = 0
    """Query tower: that many latest items, each by its place in the order."""
    request_time: tuple[Literal["bucket", "normalized", "hour", "weekday"], ...] = ()
    """Query tower: the time of the request, in the forms named."""
    time_buckets: Annotated[int, Field(ge=2)] = 100
    """With `bucket` in `request_time`: buckets of equal training mass into which times fall."""

    item_id: bool = True
    """Candidate tower: a vector of the item's own."""
    genres: bool = True
    title_words: bool = True
    release_year: bool = True
    """Candidate tower: the year at the end of the title, as in `Alien (1979)`."""
    popularity: bool = False
    """Candidate tower: the logarithm of the number of training events."""
    shared_items: bool = False
    """The history's items have the vectors of the candidate tower, not vectors of their own."""

    embedding_dimension: PositiveInt = 256
    query_layers: tuple[PositiveInt, ...] = ()
    """Widths of dense layers on top of the query tower's sum; none: the sum itself."""
    candidate_layers: tuple[PositiveInt, ...] = ()
    normalize: bool = False
    """Divide the towers' vectors by their length, and their product by `temperature`."""
    temperature: Annotated[float, Field(gt=0)] = 0.1

    targets: Literal["auto", "scattered", "blocks"] = "auto"
    """What a training query leaves out of a user's events and asks for: events here and there, or one stretch of time.
    `auto`: what the split asks, `scattered` for a random one and `blocks` for one by time."""
    parts: Annotated[int, Field(ge=2)] | None = None
    """Into how many parts a user's events fall; each epoch asks for each of them once, from all the others. Absent: 8
    for scattered targets, 4 for blocks, which should be long."""
    full_softmax_items: Annotated[int, Field(ge=0)] = 20_000
    """Catalogues up to this size are scored in full; of larger ones, the batch's items and a uniform draw."""
    uniform_negatives: Annotated[int, Field(ge=0)] = 4096
    """Items drawn uniformly for each batch, beside its own, where the catalogue is not scored in full."""
    item_frequency: Literal["counted", "streaming"] = "counted"
    """How the sampled softmax knows how often batches hold an item: counted in all training events, or a running
    estimate from the batches, for data that is never seen as a whole."""
    hard_negatives: Annotated[int, Field(ge=0)] = 0
    """Only that many of the highest-scored negatives of each query count; 0: all."""
    history_dropout: Dropout = 0.3
    """Share of a history's events left out of a training query."""
    dropout: Dropout = 0.3
    """Share of the numbers of a query's vector set to 0 in training."""
    id_dropout: Dropout = 0.1
    """Share of training queries whose user is an unknown one, and of a batch's items that have their content alone."""
    weight_decay: NonNegative = 5e-5
    """Weight of the squared parameters beside the loss."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.004
    """At the begin; it falls to 0 along a cosine over the epochs."""
    batch_size: PositiveInt = 256
    """Queries in a batch; each asks for a part of a user's events."""
    epochs: PositiveInt = 12
    """Most passes over the training events."""
    patience: PositiveInt = 4
    """Passes on end, none of them better by `min_improvement`, after which training ends. Only the second half of them
    is measured, when the learning rate has fallen."""
    min_improvement: NonNegative = 0.0
    """Share of the best validation NDCG that counts as better."""

    linear_rank: Annotated[int, Field(ge=0)] = 64
    """Width of the linear autoencoder whose scores are added to the towers' where the split is random; 0: none."""
    linear_regularization: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (
        100.0,
        400.0,
        1600.0,
    )
    """Ridge penalties; the best on validation data is taken."""
    linear_content_weight: NonNegative = 2.0
    """How much a genre or release period in common counts in it, against a user in common."""
    trend_days: NonNegative = 14.0
    """Decay time of the recent popularity that is added to the scores where the split is by time; 0: none."""


class SimilarSettings(Section):
    """The model of items that are alike."""

    model: Literal["item_tower", "co_consumption"] = "co_consumption"
    """`item_tower`: cosines of the retrieval model's vectors of items; `co_consumption`: two towers of their own, items
    on both sides, fitted to pairs of items that users chose shortly after each other."""
    window: PositiveInt = 10
    """Co-consumption: at most so many events of the user, before and after, are an event's neighbours; how many is
    drawn anew each time, so that the nearest count most."""
    popularity_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Co-consumption: 0 orders by how much more often than by chance items go together, 1 by how often they do."""
    item_id: bool = True
    """Co-consumption: a vector of the item's own."""
    genres: bool = True
    """Co-consumption: the vectors of the item's genres."""
    title_words: bool = True
    """Co-consumption: the vectors of the words in the item's title."""
    release_year: bool = True
    """Co-consumption: the year at the end of the title, as in `Alien (1979)`."""
    popularity: bool = False
    """Co-consumption: the logarithm of the number of training events."""
    shared_towers: bool = False
    """Co-consumption: both towers are one."""
    embedding_dimension: PositiveInt = 64
    """Co-consumption: width of the vectors."""
    full_softmax_items: Annotated[int, Field(ge=0)] = 20_000
    """Co-consumption: catalogues up to this size are scored in full; of larger ones, the batch's items and a uniform
    draw."""
    uniform_negatives: Annotated[int, Field(ge=0)] = 4096
    """Co-consumption: items drawn uniformly for each batch, beside its own, where not all are scored."""
    dropout: Dropout = 0.3
    """Co-consumption: share of the numbers of a vector set to 0 in training."""
    id_dropout: Dropout = 0.1
    """Co-consumption: share of a batch's items that have their content alone."""
    weight_decay: NonNegative = 5e-6
    """Co-consumption: weight of the squared parameters beside the loss."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.03
    """Co-consumption: at the begin; it falls to 0 along a cosine over the epochs."""
    batch_size: PositiveInt = 4096
    """Co-consumption: events in a batch."""
    epochs: PositiveInt = 4
    """Co-consumption: most passes over the training events."""
    patience: PositiveInt = 4
    """Co-consumption: passes on end, none of them better by `min_improvement`, after which training ends. Only the
    second half of them is measured."""
    min_improvement: NonNegative = 0.0
    """Co-consumption: share of the best validation NDCG that counts as better."""


class RankingSettings(Section):
    """The model that predicts a rating."""

    model: Literal["bayesian", "network"] = "bayesian"
    """`bayesian`: matrix factorization, averaged over all vectors that the ratings allow; `network`: a neural one."""

    dimension: PositiveInt = 16
    """Bayesian: width of the vectors that are drawn."""
    sweeps: PositiveInt = 150
    """Bayesian: how often all vectors are drawn; the prediction is the mean."""
    burn_in: Annotated[int, Field(ge=0)] = 20
    """Bayesian: first sweeps that are left out of the mean, as they depend on the start."""
    side_features: PositiveInt = 200
    """Bayesian: columns to which who rated what, genres and release periods are reduced, for users and for items."""
    export_rank: PositiveInt = 32
    """Bayesian: width of the vectors whose product stands for the mean over all sweeps."""
    recent_events: PositiveInt = 200
    """Bayesian: most of a user's events before a rating that tell the mood the rating is given in."""

    user_id: bool = True
    """Network: a vector of the user's own."""
    item_id: bool = True
    """Network: a vector of the item's own."""
    genres: bool = True
    """Network: the vectors of the item's genres."""
    title_words: bool = True
    """Network: the vectors of the words in the item's title."""
    release_year: bool = True
    """Network: the year at the end of the title, as in `Alien (1979)`."""
    popularity: bool = False
    """Network: the logarithm of the item's number of training events."""
    history: bool = True
    """Network: what else the user rated, and how."""
    history_length: PositiveInt = 50
    """Network: most recent other training events of the user that an example carries."""
    request_time: tuple[Literal["bucket", "normalized", "hour", "weekday"], ...] = ()
    """Network: the time of the rating, in the forms named."""
    time_buckets: Annotated[int, Field(ge=2)] = 100
    """Network: with `bucket` in `request_time`, buckets of equal training mass into which times fall."""
    embedding_dimension: PositiveInt = 26
    """Network: width of the vectors."""
    cross_layers: Annotated[int, Field(ge=0)] = 1
    """Network: cross layers (DCN-v2) on the vectors of user, item and time."""
    deep_layers: tuple[PositiveInt, ...] = (32,)
    """Network: widths of the dense layers on top of them; without either kind, the dot product alone."""
    retrieval_weight: NonNegative = 0.0
    """Network: weight of a second task for the same vectors, finding the item rated among those of the batch."""
    history_dropout: Dropout = 0.2
    """Network: share of a history's events left out of a training example."""
    id_dropout: Dropout = 0.05
    """Network: share of training examples whose user, and of those whose item, passes as never seen before."""
    regularization: NonNegative = 0.07
    """Network: weight of the squared biases and vectors beside the squared error of the rating."""
    head_regularization: NonNegative = 0.01
    """Network: weight of the squared parameters of the cross and dense layers."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.003
    """Network: step size of Adam."""
    batch_size: PositiveInt = 1024
    """Network: ratings in a batch."""
    epochs: PositiveInt = 20
    """Network: most passes over the training events."""
    patience: PositiveInt = 1
    """Network: passes on end, none of them better by `min_improvement`, after which training ends."""
    min_improvement: NonNegative = 0.0
    """Network: share of the best validation RMSE that counts as better."""

    @model_validator(mode="after")
    def _sweeps_remain(self) -> "RankingSettings":
        if self.burn_in >= self.sweeps:
            raise ValueError(f"`burn_in` ({self.burn_in}) must be below `sweeps` ({self.sweeps}): none are averaged")
        return self


class TrainingSettings(Section):
    """What both models share."""

    validation_share: Share = 0.1
    """Share of the training events held out for early stopping; the evaluation split is never used for it."""
    refit: bool = True
    """Fit once more, to all training events, for as many epochs as were best on the held-out ones."""
    seed: Annotated[int, Field(ge=0)] = 42


class Bound(Section):
    """A closed interval that a metric must lie in; at least one end is given."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "Bound":
        if self.at_least is None and self.at_most is None:
            raise ValueError("give `at_least`, `at_most` or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"`at_least` ({self.at_least:g}) is above `at_most` ({self.at_most:g}): nothing passes")
        return self


class SliceFloor(Bound):
    """A bound on one metric within one slice, e.g. `user_activity` = `1-9`."""

    feature: Literal["user_activity", "item_popularity"]
    value: str
    metric: str


DEFAULT_TOLERANCES = {"ndcg_at_10": 0.01, "rmse": 0.01}


class GateSettings(Section):
    """What a model must show before it is pushed.

    Two floors always hold and need no setting: the retrieval model beats popularity (NDCG@10, difference and the low
    end of its 95 % interval above 0) and the ranking model is no worse than user and item biases (RMSE).
    """

    thresholds: dict[str, Bound] = {}
    """Bounds by metric name, on all evaluation examples."""
    slices: tuple[SliceFloor, ...] = ()
    tolerances: dict[str, NonNegative] = DEFAULT_TOLERANCES
    """By metric: how much worse than the last blessed model, on the same examples, is still accepted. The defaults
    hold beside those given; a metric given here replaces its default."""

    @field_validator("tolerances")
    @classmethod
    def _beside_the_defaults(cls, value: dict[str, float]) -> dict[str, float]:
        return DEFAULT_TOLERANCES | value

    @field_validator("thresholds", "tolerances")
    @classmethod
    def _known_metrics(cls, value: dict[str, Any]) -> dict[str, Any]:
        for metric in value:
            _check_metric(metric)
        return value

    @field_validator("slices")
    @classmethod
    def _known_slice_metrics(cls, value: tuple[SliceFloor, ...]) -> tuple[SliceFloor, ...]:
        for floor in value:
            _check_metric(floor.metric)
        return value


class ExportSettings(Section):
    """Where a blessed model goes and what goes with it."""

    serving: Path = Path("serving")
    """Versions are pushed to `<serving>/<name>/<version>/`."""
    tflite_variants: tuple[Literal["float32", "float16", "dynamic_range"], ...] = ("float32",)
    """Kinds of TFLite files, of which float32 is always one: `float16` takes half the bytes, `dynamic_range` a quarter
    at best, with large tables in 8 bits. A kind whose answers are too far from the SavedModel's stops the run."""
    tflite_tolerance: Annotated[float, Field(gt=0)] = 1e-4
    """Largest accepted difference between the answers of the float32 TFLite models and the SavedModel's: of ratings in
    their unit, of scores as a share of the largest one shown."""

    @field_validator("tflite_variants")
    @classmethod
    def _float32_is_there(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "float32" not in value or len(set(value)) < len(value):
            raise ValueError("it must hold `float32` and name each variant once")
        return value


class IndexSettings(Section):
    """An approximate index next to the exact one, for catalogues too large to be scored in full."""

    kind: Literal["none", "ivf", "scann"] = "none"
    """`ivf`: stock operators, loaded by TensorFlow alone; `scann`: needs the package ScaNN, also where it is loaded. It
    is exported only if it passes the thresholds below; the model is in either case."""
    min_items: PositiveInt = 50_000
    """On fewer items none is built."""
    searched_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """ScaNN: share of the leaves, as many as the square root of the number of items, that a request searches."""
    recall_k: PositiveInt = 100
    """Items asked for when it is compared with the exact index."""
    min_recall: Annotated[float, Field(ge=0, le=1)] = 0.95
    """Least mean share of the exact index's items that it finds; `ivf` searches as many items as that takes."""
    max_latency_ms: Annotated[float, Field(gt=0)] = 20.0
    """Longest median call, one user at a time, in milliseconds."""


class ServingSettings(Section):
    """What a request to the exported model gets where it does not say otherwise."""

    k: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Items recommended."""
    n_candidates: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Items that retrieval hands to ranking."""
    rating_weight: NonNegative = 1.5
    """The order is by retrieval score + this * predicted rating; 0: retrieval's own order."""


class CanarySettings(Section):
    """What an export must show in a fresh process before it is pushed, beside right answers."""

    latency_p50_ms: Annotated[float, Field(gt=0)] = 100.0
    """Most milliseconds that half of the calls of `recommend` for one user may take."""
    latency_p99_ms: Annotated[float, Field(gt=0)] = 500.0
    """Most milliseconds that 99 of 100 of them may take."""
    calls: PositiveInt = 200
    """Calls that are timed."""
    timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Most seconds for the whole of it, the start of TensorFlow included; then it is refused."""


class BatchSettings(Section):
    """The recommendations for all known users, written once a model is pushed."""

    enabled: bool = False
    k: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Items recommended to each user."""
    folder: Path = Path("recommendations")
    """Parquet files are written to `<folder>/<name>/<version>/`."""
    users_per_shard: PositiveInt = 10_000
    """Users in a file; a run that was killed goes on after the last whole file."""


class LocalSettings(Section):
    """Where a local run keeps its own files."""

    artifacts: Path = Path("artifacts")
    runs: Path = Path("runs")


class Settings(Section):
    """One recommender."""

    # TFX refuses a pipeline whose name is longer.
    name: Annotated[str, Field(pattern=f"^{RECOMMENDER_NAME}$", max_length=63)]
    data: DataSettings
    split: SplitSettings = SplitSettings()
    features: FeatureSettings = FeatureSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    similar: SimilarSettings = SimilarSettings()
    ranking: RankingSettings = RankingSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()
    export: ExportSettings = ExportSettings()
    on_device: OnDeviceSettings = OnDeviceSettings()
    index: IndexSettings = IndexSettings()
    serving: ServingSettings = ServingSettings()
    canary: CanarySettings = CanarySettings()
    batch: BatchSettings = BatchSettings()
    beam: BeamSettings = BeamSettings()
    kubeflow: KubeflowSettings = KubeflowSettings()
    local: LocalSettings = LocalSettings()

    @model_validator(mode="after")
    def _slices_exist(self) -> "Settings":
        for floor in self.gate.slices:
            labels = slice_labels(getattr(self.features, f"{floor.feature}_bounds"))
            if floor.value not in labels:
                raise ValueError(
                    f"gate.slices: {floor.feature} has no slice {floor.value!r}; with features.{floor.feature}_bounds "
                    f"as they are it has: {', '.join(labels)}"
                )
        return self


def load(path: Path) -> Settings:
    """Reads one recommender's settings.

    Raises:
      SettingsError: the file cannot be read, is not TOML, or a key is unknown or has a value that is not allowed.
    """
    try:
        tree = tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}; give an existing file with --config") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error
    try:
        # As JSON: strict about types, yet a list may become a tuple and a string a path.
        return Settings.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        raise SettingsError("\n".join(f"{path}: {line}" for line in _problems(error))) from error


def fast(settings: Settings) -> Settings:
    """The same recommender in less time: nothing is fitted twice, and items alike have no model of their own."""
    training = settings.training.model_copy(update={"refit": False})
    similar = settings.similar.model_copy(update={"model": "item_tower"})
    return settings.model_copy(update={"training": training, "similar": similar})


def _check_metric(metric: str) -> None:
    if metric not in METRICS:
        raise ValueError(f"no metric is called {metric!r}; allowed: {', '.join(METRICS)}")


def _problems(error: ValidationError) -> list[str]:
    """One line for each problem: the key's path, what is allowed, what came."""
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key; allowed here: {', '.join(_allowed_keys(problem['loc'][:-1]))}")
        elif problem["type"] == "missing":
            lines.append(f"{key}: missing, and it has no default")
        else:
            came = problem["input"]
            # Of a whole table, the message itself says what is wrong with it.
            got = "" if isinstance(came, dict | list | Section) else f"; got {came!r}"
            lines.append(f"{key}: ".removeprefix(": ") + problem["msg"].removeprefix("Value error, ") + got)
    return lines


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Settings
    for part in location:
        if hasattr(section, "model_fields"):
            section = section.model_fields[str(part)].annotation
        else:  # of a table by name or a list of tables: what each holds
            section = next(argument for argument in get_args(section) if argument not in (str, ...))
    return list(section.model_fields)
