"""The section `[export]`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator

from schemas.settings.section import Positive, Section

_Variants = TypeVar("_Variants", bound=Sequence[str])


def _float32_and_each_once(value: _Variants) -> _Variants:
    if "float32" not in value or len(set(value)) < len(value):
        raise ValueError("it must hold `float32` and name each variant once")
    return value


Float32AndOthers = AfterValidator(_float32_and_each_once)


class ExportSettings(Section):
    """The folder of pushed versions and the TFLite files in them."""

    serving: Path = Path("serving")
    """Versions are pushed to `<serving>/<name>/<version>/`."""
    tflite_variants: Annotated[tuple[Literal["float32", "float16", "dynamic_range"], ...], Float32AndOthers] = (
        "float32",
    )
    """Variants of the TFLite files; `float32` is required. `float16` takes half the bytes; `dynamic_range`, with large
    tables in 8 bits, down to a quarter. A variant whose answers differ too much from the SavedModel's stops the run."""
    tflite_tolerance: Positive = 1e-4
    """Maximum difference between the answers of the float32 TFLite models and the SavedModel, as a share of the largest
    rating or of the largest score shown."""
