"""AutoGraph's rules for the modules that it does not convert.

AutoGraph rewrites the Python code of traced functions, so that `if` and `for` may depend on tensors. The layers of
Keras 2 and ours do not need that, and rewriting them takes half a minute per run. TensorFlow has no public option for a
whole module: the rules are in `tensorflow.python.autograph.core.config`, where TensorFlow 2.16 exempts `keras`, but not
`tf_keras`, which replaces it here.
"""

from tensorflow.python.autograph.core import config

_MODULES = ("tf_keras", "recommender.models")


def exempt_models() -> None:
    """Exempts Keras 2 and our models from AutoGraph in this process."""
    for module in _MODULES:
        rule = config.DoNotConvert(module)
        if str(rule) not in map(str, config.CONVERSION_RULES):
            config.CONVERSION_RULES = (rule, *config.CONVERSION_RULES)
