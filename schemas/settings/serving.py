"""The section `[serving]`."""

from typing import Annotated

from pydantic import Field

from schemas.settings.section import NonNegative, Section

NumItems = Annotated[int, Field(ge=1, le=10_000)]


class ServingSettings(Section):
    """Defaults of the exported model's requests."""

    k: NumItems = 10
    """Number of items to recommend."""
    n_candidates: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    """Number of items that retrieval passes to ranking."""
    rating_weight: NonNegative = 1.5
    """Items are ordered by retrieval score + `rating_weight` * predicted rating; 0, and for unknown users: by the
    retrieval score only."""
