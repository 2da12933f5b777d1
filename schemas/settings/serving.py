"""The section `[serving]`."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.settings.section import NonNegative, Section

NumItems = Annotated[int, Field(ge=1, le=10_000)]


class ServingSettings(Section):
    """Defaults of the exported model's requests."""

    k: NumItems = 10
    """Number of items to recommend."""
    n_candidates: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Number of items that retrieval passes to ranking."""
    aim: Literal["liked", "all"] = "liked"
    """What `recommend` shows first, by the choice of `rating_weight` in training: items that users choose and like
    (rated in the top quarter of the scale), or all items that they choose."""
    rating_weight: NonNegative | None = None
    """Items are ordered by retrieval score + `rating_weight` * predicted rating; 0, and for unknown users: by the
    retrieval score only. Absent: chosen for `aim` on held-out training events."""
