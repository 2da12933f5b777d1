"""The section `[training]`."""

from schemas.settings.section import NonNegativeInt, Section, Share


class TrainingSettings(Section):
    """Settings shared by the fits of all models."""

    validation_share: Share = 0.1
    """Share of the training events held out to determine when to stop; evaluation events are never used for this.
    With `split.method = "last"`, each user's last event instead."""
    refit: bool = True
    """Whether the final models are fitted to the held-out events too, with everything that these have determined."""
    seed: NonNegativeInt = 42
    """Seed of all random numbers in training."""
