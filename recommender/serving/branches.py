"""Branches that remain one operator of the graph, and operators that run one after the other.

TensorFlow turns `tf.cond` into operators that pass every variable of both branches to the one that is taken, in every
call. `_lower_using_switch_merge`, which TensorFlow (2.16 to 2.21) has for `switch_case` without a public option, keeps
the branches separate functions, so that those which are not taken cost next to nothing.
"""

import itertools
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf
from tensorflow.python.ops import cond_v2

Result = TypeVar("Result")
"""A tensor, or a structure of tensors."""


def choose(condition: tf.Tensor, then: Callable[[], Result], otherwise: Callable[[], Result]) -> Result:
    """Returns what one of two functions returns, `then` if a [] bool is true, as one operator of the graph."""
    return cond_v2.indexed_case(tf.cast(condition, tf.int32), [otherwise, then], lower_using_switch_merge=False)


def in_sequence(build: Callable[[], Result]) -> Result:
    """Returns what a function returns, and lets the operators that it adds to the graph run one after the other.

    TensorFlow passes an operator that may be slow to another thread if others could run at the same time. For operators
    of a few microseconds, waking that thread takes longer than they do. Large operators use several threads even so.
    """
    graph = tf.compat.v1.get_default_graph()
    num_before = len(graph.get_operations())
    result = build()
    added = [op for op in graph.get_operations()[num_before:] if op.type not in ("Const", "Placeholder")]
    for first, second in itertools.pairwise(added):
        second._add_control_input(first)
    return result
