"""The section `[on_device]`."""

from typing import Annotated, Literal

from pydantic import model_validator

from schemas.on_device import EVENT_FEATURES, FEATURE_WIDTH, Feature
from schemas.settings.export import Float32AndOthers
from schemas.settings.section import Dropout, NonNegative, NonNegativeInt, Positive, PositiveInt, Section, fits
from schemas.settings.shared import Fit


class FeatureInput(Section):
    """One feature of the context's events as an input of the model."""

    length: PositiveInt
    """Number of values, from the latest events: `item`, `rating` and `age` have one per event, the others may have
    several."""
    width: PositiveInt | None = None
    """Width of the embedding. Absent: 8. Not for `item`, whose width is `embedding_width`."""


class CnnSettings(Section):
    """Stacked convolutions."""

    filters: tuple[PositiveInt, ...] = (32, 32)
    """Number of filters of each layer."""
    kernels: tuple[PositiveInt, ...] = (3, 3)
    """Number of events in the window of each layer; as many values as `filters`."""

    @model_validator(mode="after")
    def _as_many(self) -> "CnnSettings":
        if len(self.filters) != len(self.kernels):
            raise ValueError(f"filters has {len(self.filters)} layers and kernels {len(self.kernels)}: give as many")
        return self


class RnnSettings(Section):
    """An LSTM."""

    units: PositiveInt = 32
    """Width of the state."""


class AttentionSettings(Section):
    """Causal self-attention."""

    heads: PositiveInt = 2
    """Number of heads; the widths of the events' vectors must be multiples of it."""


class SequenceModelSettings(Fit):
    """One model: it recommends items of the catalogue (the labels) from the user's latest events (the context)."""

    name: Annotated[str, fits("[a-z0-9][a-z0-9_]*", "a name of lower-case letters, digits and, not at its start, _")]
    """Name of the model and of its file, `on_device/<name>.tflite`: lower-case letters, digits and `_`. `items` and
    `on_device` are not allowed, since these files are shared by all models."""
    enabled: bool = True
    """Whether the model is trained."""
    encoder: Literal["bow", "cnn", "rnn", "attention"] = "bow"
    """How the events are encoded as one vector: their mean with a learned weight for each position (`bow`), stacked
    convolutions, an LSTM, or causal self-attention. The mean is sufficient for contexts of up to 10 events, whose order
    matters little; it has no settings. Those of the others are in the tables of their names."""
    cnn: CnnSettings = CnnSettings()
    rnn: RnnSettings = RnnSettings()
    attention: AttentionSettings = AttentionSettings()
    features: dict[Feature, FeatureInput] = {"item": FeatureInput(length=10)}
    """Features of an event: its `item`, the item's `genre` and `title_word`, the `rating`, and the `age`, the time
    since the event. At least one of `item`, `genre` and `title_word` is required."""
    embedding_width: PositiveInt = 24
    """Width of the items' embeddings, shared by context and labels, and of the context's vector."""
    dense: tuple[PositiveInt, ...] = ()
    """Widths of the dense layers (ReLU) between the encoder and the last layer, a linear one of `embedding_width`."""
    dropout: Dropout = 0.1
    """Share of the context's events that are left out of a training window."""
    gap: NonNegativeInt | None = None
    """Maximum number of events between a training context and its label; 0: the label is the next event, and also one
    of a later sitting. A wide gap is better for a model that is used long after the last event in its training data.
    Absent: 200 for a split by time, otherwise 0."""
    learning_rate: Positive = 0.01
    batch_size: PositiveInt = 512
    """Windows in a batch."""
    epochs: PositiveInt = 6
    patience: PositiveInt = 2
    negatives: PositiveInt | None = None
    """Size of the uniform sample of a sampled softmax. Absent: a full softmax for up to 20,000 items, a sample of 4,096
    for more."""
    k: PositiveInt = 50
    """Number of items that a call returns; sorting them takes up to a third of its time."""
    exclude_seen: bool = True
    """Whether the items of the context are left out of the answer."""

    @model_validator(mode="after")
    def _consistent(self) -> "SequenceModelSettings":
        if not set(self.features) & {"item", "genre", "title_word"}:
            raise ValueError("features: give at least one of item, genre and title_word")
        if self.name in ("items", "on_device"):
            raise ValueError(f"name {self.name!r} is that of a file of all models: give another")
        if "item" in self.features and self.features["item"].width is not None:
            raise ValueError("features.item.width: items have the width of the labels; set embedding_width")
        lengths = {name: self.features[name].length for name in EVENT_FEATURES if name in self.features}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"features: {', '.join(lengths)} have one value an event: give them the same length")
        if self.encoder == "attention":
            heads = self.attention.heads
            for name, width in self._widths().items():
                if width % heads:
                    raise ValueError(f"{name} has vectors of width {width}: it must be a multiple of heads ({heads})")
        return self

    def _widths(self) -> dict[str, int]:
        """Widths of the vectors that the encoders read: an event's vector joins those of its id, rating and age."""
        widths: dict[str, int] = {name: self.width(name) for name in self.features if name not in EVENT_FEATURES}
        if event := [name for name in EVENT_FEATURES if name in self.features]:
            widths = {" + ".join(event): sum(self.width(name) for name in event)} | widths
        return widths

    def width(self, feature: Feature) -> int:
        """Width of a feature's embedding."""
        return self.embedding_width if feature == "item" else self.features[feature].width or FEATURE_WIDTH


class OnDeviceSettings(Section):
    """Small models that recommend on a phone, using only its user's latest events."""

    models: tuple[SequenceModelSettings, ...] = ()
    """Each is trained, measured, and exported if it passes the gate."""
    variants: Annotated[tuple[Literal["float32", "float16", "dynamic_range", "int8"], ...], Float32AndOthers] = (
        "float32",
        "dynamic_range",
    )
    """Variants of the TFLite files; `float32` is required. `float16` takes about three fifths of the bytes,
    `dynamic_range`, with 8-bit weights, less; `int8` also computes in 8 bits, calibrated on training windows."""
    max_recall_loss: NonNegative = 0.02
    """Maximum loss of recall@10 compared with float32, as a share of float32's; a variant that loses more is not
    exported."""
    max_bytes: PositiveInt | None = None
    """Maximum size of a file, in bytes. Absent: no limit."""
    max_latency_us: Positive | None = None
    """Maximum median time of a call on one thread of the machine that runs the pipeline, in microseconds. Absent: no
    limit."""

    @model_validator(mode="after")
    def _distinct(self) -> "OnDeviceSettings":
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"models must have different names, got {names}")
        return self

    @property
    def enabled(self) -> tuple[SequenceModelSettings, ...]:
        """The enabled models."""
        return tuple(model for model in self.models if model.enabled)
