"""The weight of predicted ratings in the order of recommended items, chosen on held-out events."""

import logging
from typing import NamedTuple

import numpy as np

from recommender.evaluation.lists import best_items
from recommender.evaluation.measures import LENGTH, Measure, is_liked, of_users, ranks_in_lists
from recommender.interactions.contexts import Contexts
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.retrieval import RetrievalModel
from recommender.training.fit_ranking import in_blocks
from recommender.training.second_stage import SecondStage
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import ServingSettings

_LOG = logging.getLogger("atalaya")
_MULTIPLES = (0.0, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.6, 2.4)
"""Candidate weights, in units in which the ratings of a user's shortlist vary as much as its retrieval scores."""
_MEASURE = "ndcg_at_100"
"""Its best weight is that of NDCG@10, and its differences are less noisy: more held-out items count."""
_MOST_USERS, _MOST_SCORES, _MOST_RATINGS = 5_000, 4 * 10**8, 4 * 10**6
"""Maximum numbers of users that are measured, and of retrieval scores and ratings that are computed for them."""


class Shortlists(NamedTuple):
    """What retrieval proposes to n users.

    users: [n] indices. items: [n, size] int32, the best first; `num_items` is padding. scores: [n, size] float32, NaN
    for padding.
    """

    users: np.ndarray
    items: np.ndarray
    scores: np.ndarray


def choose_rating_weight(
    model: RetrievalModel,
    contexts: Contexts,
    ranking: SecondStage,
    held_out: Interactions,
    settings: ServingSettings,
    seed: int,
) -> float:
    """Orders what retrieval proposes to the users of held-out events, and returns the weight that suits the aim best.

    New users do not count: predicted ratings never change their order.

    Args:
      model: the retrieval model, fitted without the held-out events.
      contexts: the users' queries, without these events.
      ranking: the second stage, of which `measured` predicts.
      held_out: the events, with or without a rating.
      settings: `n_candidates` and `aim` are used.
      seed: seed of the sample that is taken of many users: more than 5,000, or fewer if the catalogue or `n_candidates`
        is large.
    """
    num_items = held_out.num_items
    size, users = min(settings.n_candidates, num_items), np.unique(held_out.user)
    users = users[np.diff(contexts.seen.row_splits)[users] > 0]
    if not len(users):
        return 0.0
    most = min(_MOST_USERS, max(1, _MOST_SCORES // num_items), max(1, _MOST_RATINGS // size))
    if len(users) > most:
        users = np.sort(np.random.default_rng(seed).choice(users, most, replace=False))
    proposed = _shortlists(model, contexts, users, size)
    pairs = np.repeat(users, proposed.items.shape[1]).astype(np.int32), proposed.items.ravel()
    ratings = np.clip(in_blocks(ranking.measured.rate, *pairs), *ranking.scale).reshape(proposed.items.shape)
    relevant = held_out.take(is_liked(held_out.rating, ranking.scale)) if settings.aim == "liked" else held_out
    return best_weight(proposed, ratings, relevant.items.take(users), num_items)


def _shortlists(model: RetrievalModel, contexts: Contexts, users: np.ndarray, size: int) -> Shortlists:
    queries, candidates = encode_users(model, contexts, users), encode_candidates(model, len(model.level))
    rows, num_items = np.arange(len(users)), len(candidates)
    items = best_items(lambda block: queries[block] @ candidates.T, rows, contexts.seen.take(users), num_items, size)
    scores = np.full(items.shape, np.nan, np.float32)
    for query, row, shown in zip(queries, scores, items, strict=True):
        exists = shown < num_items
        row[exists] = candidates[shown[exists]] @ query
    return Shortlists(users, items, scores)


def best_weight(proposed: Shortlists, ratings: np.ndarray, relevant: Ragged, num_items: int) -> float:
    """Returns the middle one of the weights that are as good as the best; 0 if none is better than 0.

    Two weights are equally good if the 95 % interval of the difference, paired over users, contains 0.

    Args:
      proposed: the items to order.
      ratings: [n, size] float32, the predicted ratings of these items.
      relevant: n rows of items, which should come first.
      num_items: size of the catalogue.
    """
    unit = _spread(proposed.scores, proposed.scores) / (_spread(ratings, proposed.scores) or np.inf)
    weights = [unit * multiple for multiple in _MULTIPLES]
    found = [_measure(proposed, ratings * np.float32(weight), relevant, num_items) for weight in weights]
    best = max(found, key=lambda one: one.value)
    good = [
        weight
        for weight, one in zip(weights, found, strict=True)
        if one.interval(found[0]).lower > 0 and one.interval(best).upper >= 0
    ]
    chosen = float(good[(len(good) - 1) // 2]) if good else 0.0
    changes = best.interval(found[0])
    _LOG.info(
        "ranking: weight %.3g of predicted ratings; the best one changes NDCG@100 by %.4f, %.4f to %.4f",
        chosen,
        *changes,
    )
    return chosen


def _measure(proposed: Shortlists, added: np.ndarray, relevant: Ragged, num_items: int) -> Measure:
    """Measures the lists in the order of the scores plus the added values, [n, size]."""
    order = np.argsort(-(proposed.scores + added), axis=1, kind="stable")[:, :LENGTH]  # NaN comes last
    lists = np.take_along_axis(proposed.items, order, 1)
    return of_users(ranks_in_lists(lists, relevant, num_items), relevant.rows, len(lists))[_MEASURE]


def _spread(values: np.ndarray, scores: np.ndarray) -> float:
    """Returns the mean standard deviation of the rows of values, [n, size], without padding, where scores are NaN."""
    return float(np.mean(np.nanstd(np.where(np.isnan(scores), np.nan, values), axis=1))) if len(values) else 0.0
