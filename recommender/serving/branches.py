"""Branches that remain one operator of the graph.

TensorFlow turns `tf.cond` into operators that pass every variable of both branches to the one that is taken, in every
call. `_lower_using_switch_merge`, which TensorFlow (2.16 to 2.21) has for `switch_case` without a public option, keeps
the branches separate functions, so that those which are not taken cost next to nothing.
"""

from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf
from tensorflow.python.ops import cond_v2

Result = TypeVar("Result")
"""A tensor, or a structure of tensors."""


def choose(condition: tf.Tensor, then: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
    """Returns what one of two functions returns, `then` if a [] bool is true, as one operator of the graph."""
    return cond_v2.indexed_case(tf.cast(condition, tf.int32), [otherwise, then], lower_using_switch_merge=False)
