"""The settings of the on-device sequence models."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.section import Dropout, NonNegative, Positive, PositiveInt, Section

Feature = Literal["item", "genre", "title_word", "rating", "age"]
"""Features that can describe an event of the context."""
EVENT_FEATURES: tuple[Feature, ...] = ("item", "rating", "age")
"""Features with one value per event; the others have any number."""
_WIDTH = 8
Variant = Literal["float32", "float16", "dynamic_range", "int8"]


class FeatureInput(Section):
    """One feature of the context's events as an input of the model."""

    length: PositiveInt
    """Number of values read, the latest ones; `item`, `rating` and `age` have one per event, the others several."""
    width: PositiveInt | None = None
    """Width of its embedding, 8 by default; ids use that of the labels, `embedding_width`, and have no width here."""


class SequenceModelSettings(Section):
    """One model: the user's latest events, the context, against all items of the catalogue, the labels."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    """Name of the files: `on_device/<name>.tflite`. `items` and `on_device` are taken: all models share those files."""
    enabled: bool = True
    encoder: Literal["bow", "cnn", "rnn", "attention"] = "bow"
    """How events become one vector: their mean, each weighed by its place, stacked convolutions, an LSTM or causal
    self-attention. The mean is enough for contexts of up to 10 events, whose order matters little; use the others for
    longer ones."""
    features: dict[Feature, FeatureInput] = {"item": FeatureInput(length=10)}
    """What describes an event: `item` its id, `genre` and `title_word` those of the item, `rating` the one given, `age`
    the time since. At least one of `item`, `genre` and `title_word`."""
    embedding_width: PositiveInt = 24
    """Width of the items' embeddings, which the context shares with the labels, and of the context's vector."""
    filters: tuple[PositiveInt, ...] = (32, 32)
    """Convolutions: number of filters of each layer."""
    kernels: tuple[PositiveInt, ...] = (3, 3)
    """Convolutions: events seen at once by each layer."""
    units: PositiveInt = 32
    """LSTM: width of the state."""
    heads: PositiveInt = 2
    """Attention: number of heads, which share `embedding_width`."""
    dense: tuple[PositiveInt, ...] = ()
    """Widths of the dense layers (ReLU) between the encoder and the last one, a linear one of `embedding_width`."""
    dropout: Dropout = 0.1
    """Share of the context's events left out of a training window."""
    gap: Annotated[int, Field(ge=0)] | None = None
    """A training context ends up to this many events before its label's; 0 asks for the very next event. A model that
    is used long after the last event it knows does better with a wide gap. Absent: 0 for a random split and 200 for
    one by time."""
    learning_rate: Positive = 0.01
    """Initial step size of Adam; it falls to 0 along a cosine over the epochs."""
    regularization: NonNegative = 0.0
    """Weight of the squared embeddings in the loss, relative to the softmax."""
    batch_size: PositiveInt = 512
    """Batch size, in windows."""
    epochs: PositiveInt = 6
    """Maximum number of epochs."""
    patience: PositiveInt = 2
    """Epochs without improvement on the held-out windows after which training stops."""
    negatives: PositiveInt | None = None
    """Items drawn for a sampled softmax; the default is the full softmax up to 20,000 items, and 4,096 beyond."""
    k: PositiveInt = 50
    """Number of items that a call returns; sorting them takes up to a third of its time."""
    exclude_seen: bool = True
    """Whether the items of the context are left out of the result."""

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
        if len(self.filters) != len(self.kernels):
            raise ValueError(f"filters has {len(self.filters)} layers and kernels {len(self.kernels)}: give as many")
        if self.encoder == "attention":
            for name, width in self._widths().items():
                if width % self.heads:
                    raise ValueError(
                        f"{name} has vectors of width {width}: it must be a multiple of heads ({self.heads})"
                    )
        return self

    def _widths(self) -> dict[str, int]:
        """Widths of the vectors that the encoders read: those of an event concatenate id, rating and age."""
        widths: dict[str, int] = {name: self.width(name) for name in self.features if name not in EVENT_FEATURES}
        if event := [name for name in EVENT_FEATURES if name in self.features]:
            widths = {" + ".join(event): sum(self.width(name) for name in event)} | widths
        return widths

    def width(self, feature: Feature) -> int:
        """Width of a feature's embedding."""
        return self.embedding_width if feature == "item" else self.features[feature].width or _WIDTH


class OnDeviceSettings(Section):
    """Small models that recommend on a phone from its user's latest events alone."""

    models: tuple[SequenceModelSettings, ...] = ()
    """Each is trained, measured, and exported if it passes the gate; none by default."""
    variants: tuple[Variant, ...] = ("float32", "dynamic_range")
    """Kinds of TFLite files; float32 is required: `float16` takes about half the bytes, `dynamic_range`,
    with the weights in 8 bits, less, `int8` computes in 8 bits too, calibrated on training windows."""
    max_recall_loss: NonNegative = 0.02
    """Maximum loss of recall@10 against float32, as a share of it; a variant that loses more is not exported."""
    max_bytes: PositiveInt | None = None
    """Maximum size of a file; no limit by default."""
    max_latency_us: Positive | None = None
    """Maximum median time of a call, on one thread of the machine that trains, in microseconds; no limit by default."""

    @model_validator(mode="after")
    def _distinct(self) -> "OnDeviceSettings":
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"models must have different names, got {names}")
        if "float32" not in self.variants or len(set(self.variants)) < len(self.variants):
            raise ValueError("variants must hold `float32` and name each variant once")
        return self

    @property
    def enabled(self) -> tuple[SequenceModelSettings, ...]:
        """The models to be made."""
        return tuple(model for model in self.models if model.enabled)
