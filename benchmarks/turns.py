"""Timing of calls that take turns."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[int], Any]
"""Answers the request with that number."""


def take_turns(calls: dict[str, Call], rounds: int, warm_up: int, in_a_row: int = 1) -> dict[str, list[float]]:
    """Seconds of each call in each round.

    The order is drawn again in every round, since each call suffers from what the one before it left in the caches, and
    a busy machine slows all of them.

    Args:
      calls: by name; the rounds that count have the numbers from 0.
      rounds: that count.
      warm_up: rounds before these: TensorFlow learns in the first ones which operators are worth a thread.
      in_a_row: calls of a turn; several leave the caches to one contender, as a server that has it alone does.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    rng = np.random.default_rng(42)
    for number in range(-warm_up, rounds):
        for name in rng.permutation(list(calls)):
            for place in range(number * in_a_row, (number + 1) * in_a_row):
                started = time.perf_counter()
                calls[name](place)
                if number >= 0:
                    seconds[name].append(time.perf_counter() - started)
    return seconds
