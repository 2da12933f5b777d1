"""Timing of alternatives that take turns."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[int], Any]
"""Answers the request with the given number."""


def take_turns(calls: dict[str, Call], rounds: int, warm_up: int, in_a_row: int = 1) -> dict[str, list[float]]:
    """Measures the seconds of each call in each round.

    Taking turns spreads the effect of a busy machine over all calls. The order is drawn again in every round, since
    each call is affected by what the call before it left in the caches.

    Args:
      calls: the calls by name; requests of measured rounds are numbered from 0.
      rounds: number of measured rounds.
      warm_up: number of rounds before these, in which TensorFlow learns which operators are worth a thread.
      in_a_row: number of calls per turn; with several, one alternative has the caches to itself, as on a server.
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
