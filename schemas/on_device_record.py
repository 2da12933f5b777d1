"""The record of one on-device model: its files, what was measured of it, and whether each file was exported."""

import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from schemas import layout

FORMAT = 1
"""Increases whenever files, inputs or outputs change in a way that their readers have to know about."""


# JSON has no NaN: it is written as null.
_Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Estimate(_Record):
    """A mean with its 95 % interval (NaN where there are too few users for one)."""

    value: _Number
    lower: _Number
    upper: _Number


class Measures(_Record):
    """Measures of a ranking of all items, over evaluation windows; recall and NDCG in [0, 1]."""

    recall_at_10: Estimate
    recall_at_50: Estimate
    recall_at_100: Estimate
    ndcg_at_10: Estimate
    mean_rank: Estimate
    """From 1, the best, to the number of items; one more than that for a label that is not returned."""


class SliceRecord(_Record):
    """The windows whose contexts are of one kind."""

    name: str
    """Empty for all windows, else the events in the context, such as `3-5`."""
    windows: int
    users: int
    model: Measures
    popularity: Measures
    ndcg_above_popularity: Estimate
    """Mean difference of NDCG@10, window by window."""


class VariantRecord(_Record):
    """One file."""

    variant: str
    file: str
    exported: bool
    reasons: tuple[str, ...]
    """Why it was not exported; empty if it was."""
    bytes: int | None = None
    sha256: str | None = None
    signatures: dict[str, Any] = {}
    """By name: `inputs` and `outputs` with `dtype`, `shape` (-1: any) and `meaning`."""
    operators: tuple[str, ...] = ()
    recall_at_10: _Number | None = None
    """Of what LiteRT returns, over all evaluation windows; so are the two below."""
    recall_at_k: _Number | None = None
    ndcg_at_10: _Number | None = None
    latency_us: _Number | None = None
    """Median call of `recommend` through LiteRT's signature runner in Python, one thread, in microseconds."""
    matmul_us: _Number | None = None
    """Time of numpy in the same process for `[1, width] x [width, items]`, for comparison."""
    largest_difference: _Number | None = None
    """From the SavedModel's scores, as a share of the largest score of the call."""
    agreement: _Number | None = None
    """Share of the items returned that are among the SavedModel's best k."""


class OnDeviceRecord(_Record):
    """One model."""

    name: str
    format: int
    saved_model: str
    """Fingerprint of the SavedModel that was converted."""
    tensorflow: str
    k: int
    exclude_seen: bool
    num_items: int
    items: str
    """File with each item's number, id, title and genres."""
    padding: str
    training: dict[str, Any]
    """Recorded by the training: encoder, features, windows, losses."""
    measures: tuple[SliceRecord, ...]
    """Of float32, all windows first."""
    reasons: tuple[str, ...]
    """Why none of the files was exported; empty if the model passed its gate."""
    variants: tuple[VariantRecord, ...]

    @property
    def exported(self) -> tuple[VariantRecord, ...]:
        """The exported files."""
        return tuple(variant for variant in self.variants if variant.exported)


class Summary(_Record):
    """One model in short."""

    name: str
    description: str
    """File of its record."""
    exported: tuple[str, ...]
    """The exported files."""
    refused: dict[str, tuple[str, ...]]
    """Reasons, by the names of files that were not exported."""
    recall_at_10: _Number
    popularity_recall_at_10: _Number


class Index(_Record):
    """All models of one SavedModel, exported and refused."""

    format: int = FORMAT
    models: tuple[Summary, ...]


def summarize(made: OnDeviceRecord) -> Summary:
    """A model's record in short."""
    overall = made.measures[0]
    return Summary(
        name=made.name,
        description=f"{made.name}.json",
        exported=tuple(variant.file for variant in made.exported),
        refused={one.file: (*made.reasons, *one.reasons) for one in made.variants if not one.exported},
        recall_at_10=overall.model.recall_at_10.value,
        popularity_recall_at_10=overall.popularity.recall_at_10.value,
    )


def read_index(model: Path) -> tuple[Summary, ...]:
    """The models in the folder of a SavedModel, in short; none if no such models were made."""
    path = model / layout.ON_DEVICE_INDEX
    return Index.model_validate_json(path.read_text(encoding="utf-8")).models if path.exists() else ()


def read(model: Path) -> tuple[OnDeviceRecord, ...]:
    """The records in the folder of a SavedModel; none if no such models were made."""
    files = (model / layout.ON_DEVICE / summary.description for summary in read_index(model))
    return tuple(OnDeviceRecord.model_validate_json(file.read_text(encoding="utf-8")) for file in files)
