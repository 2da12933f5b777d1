"""The section `[training]`."""

from schemas.settings.section import NonNegativeInt, Section, Share


class TrainingSettings(Section):
    """What the fits of all models share."""

    validation_share: Share = 0.1
    """Share of the training events held out to decide when to stop; the evaluation events are never used for that."""
    refit: bool = True
    """Fit a second time, to all training events, for as many epochs as were best on the held-out ones."""
    seed: NonNegativeInt = 42
    """Seed of all random numbers in training."""
