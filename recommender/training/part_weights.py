"""Weighs the parts of the retrieval model."""

from collections.abc import Sequence

import numpy as np

from recommender.evaluation.ndcg import NdcgMeasure
from recommender.interactions.contexts import Contexts
from recommender.models.retrieval import PartWeights, RetrievalModel
from recommender.training.blend import choose_weight, relative_width, score_width
from recommender.training.vectors import encode_candidates, encode_users

_LIKES = (0.0625, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Candidate weights of what a user likes, relative to what is popular lately."""
_LIKES_WITHOUT_TOWERS = 4.0
"""The weight of what a user likes, relative to what has been popular for all time, if there are no towers."""
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0)
"""Candidate weights of another part, in units in which its scores vary as much as those of the first."""
_USERS_COMPARED = 128


def choose_part_weights(
    model: RetrievalModel, contexts: Contexts, measure: NdcgMeasure, by_time: bool
) -> tuple[PartWeights, float]:
    """Chooses the weights of the parts one after the other.

    Args:
      model: the fitted parts.
      contexts: the queries of users at the end of the fitted events.
      measure: of the held-out events.
      by_time: whether what a user likes is weighed against the level. If not, that of towers is the item bias, which is
        fitted with them, and the other parts know popularity themselves.

    Returns:
      The weights in units in which each part varies as much as the towers, or, without towers, has a standard deviation
      of 1; and the measure.
    """
    set_part_weights(model, PartWeights(1.0, 1.0, 1.0), contexts)
    *queries, ones = model.split(encode_users(model, contexts, measure.users) / model.scale)
    *candidates, common = model.split(encode_candidates(model, len(model.level)))
    given = [place for place, query in enumerate(queries) if np.any(query)]
    if not given:
        return PartWeights(0.0, 0.0, 0.0), measure(ones, common)
    first, *others = given
    likes, shares = 1.0 if model.two_tower or by_time else _LIKES_WITHOUT_TOWERS, np.eye(3)[first]

    def measured(fixed: np.ndarray, varied: np.ndarray, tried: Sequence[float]) -> list[float]:
        (query, candidate), along = (_joined(queries, candidates, factors) for factors in (fixed, varied))
        complete = np.concatenate([query, ones], axis=1), np.concatenate([candidate, common], axis=1)
        return measure.along(complete, along, tried)

    steps = [*others, *others[:-1]]
    if not steps and not by_time:
        [value] = measured(likes * shares, 0 * shares, [0.0])
    for place in [first, *steps, first] if by_time else steps:
        if place == first:
            values = measured(0 * shares, shares, _LIKES)
            likes = choose_weight(_LIKES, values)
            value = values[_LIKES.index(likes)]
        else:
            unit = np.eye(3)[place]
            values = measured(likes * shares * (1 - unit), likes * unit, _SHARES)
            shares[place] = choose_weight(_SHARES, values)
            value = values[_SHARES.index(shares[place])]
    return PartWeights(*(likes * shares).tolist()), value


def set_part_weights(model: RetrievalModel, weights: PartWeights, contexts: Contexts) -> None:
    """Sets the weights of the model; other arguments as those and the result of `choose_part_weights`.

    The units of the weights come from the scores of some users. The sum is scaled to vary as much as the towers, or to
    a standard deviation of 1, so that it is on the scale of the softmax's logits.
    """
    model.weights, model.scale = PartWeights(1.0, 1.0, 1.0), 1.0
    active = np.flatnonzero(np.diff(contexts.histories.row_splits))[:_USERS_COMPARED]
    *queries, _ = model.split(encode_users(model, contexts, active))
    *candidates, _ = model.split(encode_candidates(model, len(model.level)))
    scores = [query @ candidate.T for query, candidate in zip(queries, candidates, strict=True)]
    width = score_width(scores[0] + model.two_tower.item_bias) if model.two_tower else 1.0
    units = [1.0, *(relative_width(width, part) for part in scores[1:])]
    model.weights = PartWeights(*(weight * unit for weight, unit in zip(weights, units, strict=True)))
    total = sum(weight * part for weight, part in zip(model.weights, scores, strict=True)) + model.level
    model.scale = relative_width(width, total)


def _joined(
    queries: list[np.ndarray], candidates: list[np.ndarray], factors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joins the columns of the parts whose factors are not 0, times these in the queries."""
    parts = [
        (query * np.float32(factor), candidate)
        for query, candidate, factor in zip(queries, candidates, factors, strict=True)
        if factor
    ]
    if not parts:
        return queries[0][:, :0], candidates[0][:, :0]
    joined_queries, joined_candidates = (np.concatenate(columns, axis=1) for columns in zip(*parts, strict=True))
    return joined_queries, joined_candidates
