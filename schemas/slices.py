"""Names of the slices of the evaluation."""

from collections.abc import Sequence

NEW_OR_KNOWN = {"user": ["known", "new"], "item": ["new"]}
"""Slices of users and items with and without training events."""


def slice_labels(bounds: Sequence[int]) -> list[str]:
    """Names of the slices below, between and above ascending bounds: (1, 10) gives `0`, `1-9`, `10+`."""
    edges = [0, *bounds]
    labels = [str(low) if low == high - 1 else f"{low}-{high - 1}" for low, high in zip(edges, bounds, strict=False)]
    return [*labels, f"{edges[-1]}+"]
