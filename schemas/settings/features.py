"""The section `[features]`."""

from pydantic import field_validator

from schemas.settings.section import PositiveInt, Section


class FeatureSettings(Section):
    """Features computed from the columns."""

    title_words: PositiveInt = 10_000
    """Size of the vocabulary of words in titles."""
    user_activity_bounds: tuple[PositiveInt, ...] = (1, 10, 50, 200)
    """Lower bounds of the evaluation slices by the user's number of training events, ascending."""
    item_popularity_bounds: tuple[PositiveInt, ...] = (1, 10, 100)
    """Lower bounds of the evaluation slices by the item's number of training events, ascending."""

    @field_validator("user_activity_bounds", "item_popularity_bounds")
    @classmethod
    def _bounds_ascend(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError(f"bounds must ascend, got {list(value)}")
        return value
