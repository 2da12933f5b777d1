"""The choice of the last blessed model on Vertex AI.

TFX (1.16 to 1.21) can compile only two of its own strategies for Vertex AI. A Resolver has no method to exchange its
strategy, so its attributes are set.
"""

from typing import Any


def use_own_strategy(resolver: Any) -> None:
    """Gives a Resolver TFX's own strategy, which chooses by `model` and `model_blessing` alone.

    Args:
      resolver: the pipeline's Resolver of the last blessed model; it is changed.
    """
    from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy

    resolver._strategy_class = LatestBlessedModelStrategy
    for name in set(resolver.inputs) - {"model", "model_blessing"}:
        del resolver._input_dict[name], resolver._output_dict[name]
