"""The section `[index]`."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.settings.section import Fraction, Positive, PositiveInt, Section


class ScannSettings(Section):
    """A ScaNN index."""

    searched_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the leaves that a request searches; there are as many leaves as the square root of the number of items.
    """


class IndexSettings(Section):
    """An approximate index in addition to exact retrieval, for catalogues too large to be scored in full.

    It is exported only if it keeps the limits; the model is exported in either case.
    """

    kind: Literal["none", "ivf", "scann"] = "none"
    """`ivf` has only stock operators, so TensorFlow can load it; `scann` needs the package ScaNN, also to load it."""
    min_items: PositiveInt = 50_000
    """Minimum number of items; for fewer, no index is built."""
    recall_k: PositiveInt = 100
    """Number of items to retrieve when the index is compared with exact retrieval."""
    min_recall: Fraction = 0.95
    """Minimum mean share of the exactly retrieved items to be found; `ivf` searches as many items as this requires."""
    max_latency_ms: Positive = 20.0
    """Maximum median time of a call for one user, in milliseconds."""
    scann: ScannSettings = ScannSettings()
