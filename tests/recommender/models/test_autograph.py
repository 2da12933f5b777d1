import tensorflow as tf
from tensorflow.python.autograph.core import config
from tensorflow.python.autograph.impl import conversion

from recommender.models import autograph, pooling


def test_autograph_leaves_keras_and_our_models_alone(monkeypatch):
    ours = ("tf_keras", "recommender.models")
    given = tuple(rule for rule in config.CONVERSION_RULES if not any(module in str(rule) for module in ours))
    monkeypatch.setattr(config, "CONVERSION_RULES", given)
    assert not conversion.is_allowlisted(pooling.places_from_end), "our functions are exempt: the trick is not needed"
    autograph.exempt_models()
    added = config.CONVERSION_RULES[: -len(given)]
    assert len(added) == len(ours)
    for function in (tf.keras.layers.Dense.call, pooling.places_from_end):
        assert conversion.is_allowlisted(function)
    assert not conversion.is_allowlisted(test_autograph_leaves_keras_and_our_models_alone)
    autograph.exempt_models()
    assert (*added, *given) == config.CONVERSION_RULES
