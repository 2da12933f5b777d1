import itertools
from collections.abc import Callable

import tensorflow as tf
from tensorflow.python.eager import context

from recommender.serving.branches import choose, in_sequence


def _operators(branch: Callable) -> set[str]:
    """Types of the operators that run outside of functions where `branch` chooses, after TensorFlow's optimizer."""

    @tf.function
    def call(x):
        return branch(x > 0.0, lambda: tf.cumsum(tf.reshape(x, [1]))[0], lambda: x)

    concrete = call.get_concrete_function(tf.TensorSpec([], tf.float32))
    context.context().enable_graph_collection()
    try:
        concrete(tf.constant(1.0))
        metadata = context.context().export_run_metadata()
    finally:
        context.context().disable_graph_collection()
    return {node.op for graphs in metadata.function_graphs for node in graphs.post_optimization_graph.node}


def test_a_choice_stays_one_operator_of_the_optimized_graph():
    lowered, kept = _operators(tf.cond), _operators(choose)
    assert {"Switch", "Cumsum"} <= lowered, "`tf.cond` stays one operator: `choose` is not needed"
    assert not kept & {"Switch", "Cumsum"} and kept & {"Case", "StatelessCase"}


def test_the_chosen_function_gives_the_result():
    @tf.function
    def call(x):
        return choose(
            x > 0.0, lambda: {"sign": tf.constant("+"), "size": x}, lambda: {"sign": tf.constant("-"), "size": -x}
        )

    for number, sign in ((2.0, b"+"), (-3.0, b"-")):
        found = call(tf.constant(number))
        assert (found["sign"].numpy(), found["size"].numpy()) == (sign, abs(number))


def test_operators_in_sequence_each_wait_for_the_one_before():
    def build() -> tf.Tensor:
        return tf.cumsum(x) + tf.reverse(x, [0]) * tf.sort(x)

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None])
        in_sequence(build)
    operators = [op for op in graph.get_operations() if op.type not in ("Const", "Placeholder")]
    assert len(operators) > 4
    for first, second in itertools.pairwise(operators):
        assert first in [*second.control_inputs, *(tensor.op for tensor in second.inputs)]
