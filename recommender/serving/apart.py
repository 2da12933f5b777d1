"""Functions that remain one operator of the graph.

TensorFlow's optimizer copies the operators of a called function into its caller. In a branch, each of them costs time
even when the branch is not taken. The attribute `_noinline`, which TensorFlow (2.16 to 2.21) reads from a function
and does not document, keeps the function separate.
"""

from collections.abc import Callable

import tensorflow as tf


def apart(body: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Returns the function as one operator of the graph."""
    return tf.function(body, autograph=False, experimental_attributes={"_noinline": True})
