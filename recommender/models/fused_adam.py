"""Adam with a step compiled by XLA, which is one pass over a variable's memory, and steps of single rows.

Adam updates all rows of a variable, not only those in the batch, in about ten passes over its memory. With tens of
thousands of users, one compiled pass halves the time of a batch. Keras 2 (tf-keras 2.16 to 2.21) can compile the step,
but its constructor switches that off if there is no GPU, even on request. With more rows, even one pass takes longer
than the rest of the batch, so only the batch's rows take a step.
"""

from typing import Any

import tensorflow as tf

MOST_ROWS = 8_192
"""Maximum number of rows of a table that are all updated in each step."""


def is_large(variable: tf.Variable) -> bool:
    """Returns whether the variable is a table of which `FusedAdam` updates single rows."""
    return variable.shape.rank == 2 and variable.shape[0] > MOST_ROWS


class FusedAdam(tf.keras.optimizers.Adam):
    """Adam with a compiled step on any device; for tables that are not large, the result is that of Adam.

    Of a large table whose gradient has the rows in the batch only, a step updates these, as if each row had a separate
    Adam that runs when a batch has it. Other gradients of some rows are made dense, which does not change the result:
    XLA would compile the step again for each number of rows.
    """

    def __init__(self, learning_rate: tf.keras.optimizers.schedules.LearningRateSchedule, row_decay: float = 0.0):
        """Sets the rate, and the weight of the sum of squares that is added to the loss for a large table's rows."""
        super().__init__(learning_rate)
        self.jit_compile = True
        self._row_decay = row_decay
        self._row_steps: dict[str, tf.Variable] = {}

    def build(self, var_list: list[tf.Variable]) -> None:
        """Creates the state for the variables, once; for large tables, also each row's number of steps."""
        super().build(var_list)
        if not self._row_steps:
            self._row_steps = {
                self._var_key(table): tf.Variable(tf.zeros(table.shape[:1]), trainable=False)
                for table in var_list
                if is_large(table)
            }

    def apply_gradients(self, grads_and_vars: Any, *positional: Any, **named: Any) -> Any:
        """Applies pairs of a gradient and its variable."""
        pairs = [
            (gradient if is_large(variable) else tf.convert_to_tensor(gradient), variable)
            for gradient, variable in grads_and_vars
        ]
        return super().apply_gradients(pairs, *positional, **named)

    def _update_step_xla(self, gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable, key: int) -> None:
        if isinstance(gradient, tf.IndexedSlices):
            self._update_rows(gradient, variable)
        else:
            if is_large(variable):
                gradient += 2 * self._row_decay * variable
            super()._update_step_xla(gradient, variable, key)

    def _update_rows(self, gradient: tf.IndexedSlices, table: tf.Variable) -> None:
        """Takes a step; Keras has added up the gradients of equal rows."""
        rows, place = gradient.indices, self._index_dict[self._var_key(table)]
        momentum, velocity, steps = (
            self._momentums[place],
            self._velocities[place],
            self._row_steps[self._var_key(table)],
        )
        slope = gradient.values + 2 * self._row_decay * tf.gather(table, rows)
        first = self.beta_1 * tf.gather(momentum, rows) + (1 - self.beta_1) * slope
        second = self.beta_2 * tf.gather(velocity, rows) + (1 - self.beta_2) * tf.square(slope)
        step = tf.gather(steps, rows) + 1
        rate = self.learning_rate * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        change = rate[:, tf.newaxis] * first / (tf.sqrt(second) + self.epsilon)
        for variable, values in ((momentum, first), (velocity, second), (steps, step)):
            variable.scatter_update(tf.IndexedSlices(values, rows))
        table.scatter_sub(tf.IndexedSlices(change, rows))
