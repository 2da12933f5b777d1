"""All metrics of a model on held-out events, by slice, next to its baselines and to another model.

An evaluation compares the answers of the served model with the held-out events; the names of the metrics are those of
`schemas.metrics`. A lift is paired: the mean of the users' differences. Popularity and recent popularity are two
baselines, and the lift over popularity is that over the one with the higher NDCG@10.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from recommender.evaluation.answers import Answers
from recommender.evaluation.baselines import popularity, recency_popularity
from recommender.evaluation.concentration import concentration
from recommender.evaluation.errors import errors_of
from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.intervals import Interval
from recommender.evaluation.measures import Measure, is_liked, of_events, of_users, ranks_in_lists
from recommender.evaluation.neighbours import MOST_CELLS, neighbours
from recommender.interactions.interactions import Interactions
from schemas.metrics import LIKED, RETRIEVE
from schemas.slices import slice_labels

_NDCG = "ndcg_at_10"


class Measured(NamedTuple):
    """One metric on one slice. change: the paired difference from the other model, if there is one."""

    metric: str
    slice: str
    interval: Interval
    change: Interval | None = None


class Bounds(NamedTuple):
    """Ascending lower bounds of the slices by numbers of training events: of the user, and of the item."""

    user_activity: Sequence[int]
    item_popularity: Sequence[int]


class Baselines(NamedTuple):
    """Lists of the baselines, [n, 100] items, by the prefix of their metrics, and biases' ratings, [m] or None.

    without: why a baseline is missing; empty if none is.
    """

    lists: dict[str, np.ndarray]
    rating: np.ndarray | None
    without: str = ""


def fit_baselines(
    train: Interactions, held_out: HeldOut, rating: np.ndarray | None, method: str, seed: int
) -> Baselines:
    """Fits the baselines of lists to the training events and applies them to the judged users.

    Args:
      train: training events.
      held_out: the judged users.
      rating: [m] ratings that user and item biases predict; None without ratings.
      method: how the data were split: `random`, `time` or `last`.
      seed: seed of hold-outs and samples.
    """
    users = np.minimum(held_out.users, train.num_users)
    lists = {"popularity_": popularity(train), "recency_popularity_": recency_popularity(train, seed)}
    found = {prefix: one.lists(users, train.items) for prefix, one in lists.items()}
    cells = len(users) * train.num_items
    fitted = neighbours(train, method, seed) if cells <= MOST_CELLS else None
    if fitted is None:
        return Baselines(found, rating, "the data are too large for the baseline of neighbours")
    return Baselines(found | {"neighbours_": fitted.lists(users, train.items)}, rating)


def judge(
    held_out: HeldOut,
    answers: Answers,
    baselines: Baselines,
    train: Interactions,
    bounds: Bounds,
    scale: tuple[float, float] | None,
    other: Answers | None = None,
) -> list[Measured]:
    """Computes all metrics of a model on all slices; a metric without an event is left out.

    Args:
      held_out: the judged users and their events.
      answers: of the model.
      baselines: of the same users and events.
      train: the training events.
      bounds: of the slices.
      scale: lowest and highest rating; None without ratings.
      other: answers of another model to the same questions, to compare with.
    """
    lists = {"": answers.recommended, RETRIEVE: answers.retrieved} | baselines.lists
    judged = _Judged(
        held_out,
        {prefix: ranks_in_lists(one, held_out.items, train.num_items) for prefix, one in lists.items()},
        _other_ranks(held_out, other, train.num_items),
        None if scale is None else is_liked(held_out.rating, scale),
    )
    found = [*_spread(answers, train.popularity)]
    for name, rows in slices(held_out, train, bounds):
        found += [Measured(metric, name, *values) for metric, values in judged.of_lists(rows).items()]
        found += [
            Measured(metric, name, *values)
            for metric, values in errors_of(held_out, answers, baselines.rating, other, rows).items()
        ]
    return found


def _other_ranks(held_out: HeldOut, other: Answers | None, num_items: int) -> dict[str, np.ndarray]:
    lists = {} if other is None else {"": other.recommended, RETRIEVE: other.retrieved}
    return {prefix: ranks_in_lists(one, held_out.items, num_items) for prefix, one in lists.items()}


def _spread(answers: Answers, popularity: np.ndarray) -> Iterator[Measured]:
    for name, value in concentration(answers.recommended, popularity).items():
        yield Measured(name, "", Interval(value, np.nan, np.nan))
    fallback = (~answers.is_known).astype(np.float64)
    yield Measured("fallback_share", "", Measure(fallback, np.ones(len(fallback))).interval())


def slices(held_out: HeldOut, train: Interactions, bounds: Bounds) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the names of the slices that have events, and the events of each, [m] bool; "" is all."""
    user = np.minimum(held_out.users, train.num_users)
    activity = np.diff(train.row_splits)[user][held_out.items.rows]
    popularity = np.append(train.popularity, 0)[held_out.items.values]
    everything = np.ones(len(activity), bool)
    parts = [("", everything), ("user=known", activity > 0), ("user=new", activity == 0), ("item=new", popularity == 0)]
    for feature, counts in (("user_activity", activity), ("item_popularity", popularity)):
        edges = getattr(bounds, feature)
        place = np.searchsorted(edges, counts, side="right")
        parts += [(f"{feature}={label}", place == number) for number, label in enumerate(slice_labels(edges))]
    yield from ((name, rows) for name, rows in parts if rows.any())


class _Judged(NamedTuple):
    """Ranks, [m], of the held-out items in lists by the prefix of the metrics; is_liked: [m] bool."""

    held_out: HeldOut
    ranks: dict[str, np.ndarray]
    other_ranks: dict[str, np.ndarray]
    is_liked: np.ndarray | None

    def of_lists(self, rows: np.ndarray) -> dict[str, tuple[Interval, Interval | None]]:
        """Returns the metrics of lists, each with its change, on some of the events, [m] bool."""
        found, others = self._measures(self.ranks, rows), self._measures(self.other_ranks, rows)
        users = np.unique(self.held_out.items.rows[rows])
        metrics: dict[str, tuple[Interval, Interval | None]] = {
            "evaluated_users": (Interval(float(len(users)), np.nan, np.nan), None)
        }
        for name, measure in found.items():
            metrics[name] = measure.interval(), measure.interval(others[name]) if name in others else None
        best = max(("popularity_", "recency_popularity_"), key=lambda prefix: found[f"{prefix}{_NDCG}"].value)
        for lift, prefix in (("popularity", best), ("neighbours", "neighbours_")):
            if f"{prefix}{_NDCG}" in found:
                metrics[f"lift_over_{lift}"] = found[_NDCG].interval(found[f"{prefix}{_NDCG}"]), None
        return metrics

    def _measures(self, ranks: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Measure]:
        users, size = self.held_out.items.rows, len(self.held_out.users)
        found: dict[str, Measure] = {}
        for prefix, one in ranks.items():
            measures = of_users(one[rows], users[rows], size)
            if self.is_liked is not None and prefix != RETRIEVE and (liked := rows & self.is_liked).any():
                of_liked = of_users(one[liked], users[liked], size)
                measures |= {f"{LIKED}{name}": measure for name, measure in of_liked.items()}
            if not prefix:
                measures |= of_events(one[rows], users[rows], size)
            found |= {f"{prefix}{name}": measure for name, measure in measures.items()}
        return found
