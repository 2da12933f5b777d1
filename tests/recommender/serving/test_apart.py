from collections.abc import Callable

import tensorflow as tf
from tensorflow.python.eager import context

from recommender.serving.apart import apart


def _operators(body: Callable[[tf.Tensor], tf.Tensor]) -> set[str]:
    """Types of the operators that run where a branch calls `body`, after TensorFlow's optimizer."""

    @tf.function
    def call(x):
        return tf.cond(x > 0.0, lambda: body(x), lambda: x)

    concrete = call.get_concrete_function(tf.TensorSpec([], tf.float32))
    context.context().enable_graph_collection()
    try:
        concrete(tf.constant(1.0))
        metadata = context.context().export_run_metadata()
    finally:
        context.context().disable_graph_collection()
    return {node.op for graphs in metadata.function_graphs for node in graphs.post_optimization_graph.node}


def test_a_function_stays_one_operator_of_the_optimized_graph():
    def body(x):
        return tf.cumsum(tf.reshape(x, [1]))[0]

    calls = {"PartitionedCall", "StatefulPartitionedCall"}
    plain, kept = _operators(tf.function(body)), _operators(apart(body))
    assert "Cumsum" in plain and not plain & calls, "functions stay separate without `_noinline`: it is not needed"
    assert "Cumsum" not in kept and kept & calls
