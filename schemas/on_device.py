"""What the on-device sequence models can read of an event of their context."""

from typing import Literal

Feature = Literal["item", "genre", "title_word", "rating", "age"]
EVENT_FEATURES: tuple[Feature, ...] = ("item", "rating", "age")
"""Features with one value per event; the others have any number."""
FEATURE_WIDTH = 8
"""Default width of a feature's embedding."""
