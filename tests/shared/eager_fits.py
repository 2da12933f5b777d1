"""Fits on tiny data without graphs and XLA, which take longer to build than all steps take."""

import contextlib
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def eager_fits() -> Iterator[None]:
    """Within it, Keras's loops run eagerly and Adam is not compiled; what is exported is traced as ever."""
    import tensorflow as tf

    from recommender.models import fit
    from recommender.training import fit_retrieval

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf.keras.Model, "run_eagerly", property(lambda model: True))
        for module in (fit, fit_retrieval):
            patch.setattr(module, "FusedAdam", lambda rate, *rest: tf.keras.optimizers.Adam(rate, jit_compile=False))
        yield
