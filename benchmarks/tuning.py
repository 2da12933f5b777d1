"""Chooses the hyperparameters of other libraries on held-out training events of the data at hand."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks import measures
from benchmarks.contender import Contender, Grid, Rating, Retrieval
from benchmarks.protocols import Data, hold_out

MEASURES = {"random": "NDCG@10", "time": "NDCG@10", "last": "NDCG@10", "given": "NDCG@20"}
"""The measure that hyperparameters are chosen by, for each protocol; ratings are chosen by RMSE."""
_MOST_USERS = 5_000


class Tuned(NamedTuple):
    """Chosen hyperparameters.

    num_fits: how many combinations were fitted. num_combinations: how many there are. cpu_seconds: of all fits and
    measurements.
    """

    chosen: dict[str, Any]
    num_fits: int
    num_combinations: int
    cpu_seconds: float


def tune(contender: Contender, data: Data, seed: int, most_fits: int, say: Callable[[str], None]) -> Tuned:
    """Tries at most `most_fits` combinations on a tenth of the training events, or on each user's last one.

    Of more than 5,000 users with held-out events, as many are drawn.

    Raises:
      Refusal: the contender cannot take part.
    """
    begin, inner, fit = time.process_time(), _sampled(hold_out(data)), contender.load()

    def value(chosen: dict[str, Any]) -> float:
        found = measure(fit(inner, seed, **chosen), inner)
        say(f"held out, {', '.join(f'{name} {one:g}' for name, one in chosen.items())}: {abs(found):.4f}")
        return found

    chosen, num_fits = climb(contender.space, value, most_fits)
    num_combinations = math.prod(len(grid.values) for grid in contender.space.values())
    return Tuned(chosen, num_fits, num_combinations, time.process_time() - begin)


def climb(
    space: Mapping[str, Grid], value: Callable[[dict[str, Any]], float], most_fits: int
) -> tuple[dict[str, Any], int]:
    """Moves from the start, one hyperparameter at a time, to neighbouring values of its grid while that is better.

    Args:
      space: the grid of each hyperparameter.
      value: what to maximize.
      most_fits: maximum number of values to compute, at least 1.

    Returns:
      The best hyperparameters, and how many were tried.
    """
    names = list(space)
    best = tuple(grid.values.index(grid.start) for grid in space.values())

    def named(places: Sequence[int]) -> dict[str, Any]:
        return {name: space[name].values[place] for name, place in zip(names, places, strict=True)}

    tried = {best: value(named(best))}
    is_better = True
    while is_better:
        is_better = False
        for number, name in enumerate(names):
            for step in (1, -1):
                place = (*best[:number], best[number] + step, *best[number + 1 :])
                while 0 <= place[number] < len(space[name].values) and place not in tried and len(tried) < most_fits:
                    tried[place] = value(named(place))
                    if tried[place] <= tried[best]:
                        break
                    best, is_better = place, True
                    place = (*best[:number], best[number] + step, *best[number + 1 :])
    return named(best), len(tried)


def measure(fitted: Retrieval | Rating, data: Data) -> float:
    """Returns the measure of the protocol on the test events of known items and users, or -RMSE.

    New users count for a model that can score them.
    """
    test = data.test.take(data.known_items[data.test.item])
    if isinstance(fitted, Rating):
        predicted = fitted.rate(test.user, test.item, test.timestamp)
        return -measures.rating(test.user, predicted, test.rating, data.scale)["RMSE"].value
    if not fitted.new_users:
        test = test.take(data.known_users[test.user])
    ranks = measures.rank(fitted.scores, data.train, test, data.catalogue.num_items)
    return measures.retrieval(ranks)[MEASURES[data.protocol]].value


def _sampled(data: Data) -> Data:
    users = np.unique(data.test.user)
    if len(users) <= _MOST_USERS:
        return data
    drawn = np.random.default_rng(0).choice(users, _MOST_USERS, replace=False)
    return data._replace(test=data.test.take(np.isin(data.test.user, drawn)))
