"""Computations on blocks of events, one after the other."""

from collections.abc import Callable

import tensorflow as tf

_EVENTS_AT_ONCE = 2**18


def in_turn(function: Callable[[slice], tf.Tensor], num_events: int) -> list[tf.Tensor]:
    """Calls a function for blocks of events; in a graph, all blocks at once would need the memory of all."""
    results: list[tf.Tensor] = []
    for begin in range(0, num_events, _EVENTS_AT_ONCE):
        with tf.control_dependencies(results[-1:]):
            results.append(function(slice(begin, begin + _EVENTS_AT_ONCE)))
    return results
