"""The section `[split]`."""

from typing import Literal

from schemas.settings.section import NonNegativeInt, Section, Share


class SplitSettings(Section):
    """How the ratings are split into training and evaluation."""

    method: Literal["random", "time", "last"] = "random"
    """`random`: by a seeded hash of user and item; `time`: the latest events are for evaluation; `last`: each user's
    last one is, so that the model predicts what comes next."""
    eval_share: Share = 0.2
    """With `random` and `time`: share of the ratings for evaluation."""
    seed: NonNegativeInt = 42
    """With `random`: seed of the hash."""
