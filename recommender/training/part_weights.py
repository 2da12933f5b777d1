"""Weighs the parts of the retrieval model."""

import logging
from collections.abc import Sequence

import numpy as np

from recommender.evaluation.ndcg import NdcgMeasure
from recommender.interactions.contexts import Contexts
from recommender.models.retrieval import PartWeights, RetrievalModel
from recommender.training.blend import choose_weight, relative_width
from recommender.training.vectors import encode_candidates, encode_users

_LOG = logging.getLogger("atalaya")
_TOWERS_WEIGHTS = (0.0625, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0)
"""Candidate weights of what a user likes, relative to what is popular lately."""
_PART_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Candidate weights of another part, in units in which its scores vary as much as the towers'."""
_USERS_COMPARED = 128


def choose_part_weights(
    model: RetrievalModel, contexts: Contexts, measure: NdcgMeasure, level: np.ndarray | None
) -> PartWeights:
    """Chooses the weights of the parts one after the other, sets them in the model, and returns them.

    Args:
      model: the fitted parts.
      contexts: the queries of users at the end of the fitted events.
      measure: of the held-out events.
      level: popularity against which what a user likes is weighed; None: the towers' item bias, whose weight is right.

    Returns:
      Weights of the linear part and the transitions in units in which each varies as much as the towers, and one of
      the towers that multiplies all three.
    """
    weights = PartWeights(1.0, 1.0, 1.0)
    set_part_weights(model, weights, contexts, level)
    *queries, ones = model.split(encode_users(model, contexts, measure.users) / model.scale)
    *candidates, common = model.split(encode_candidates(model, len(model.level)))
    weights = PartWeights(1.0, 0.0, 0.0)

    def choose(part: str, tried: Sequence[float]) -> PartWeights:
        place = PartWeights._fields.index(part)
        directions = np.array(PartWeights(1.0, *weights[1:]) if place == 0 else weights.towers * np.eye(3)[place])
        others = np.array([weights.towers, *(weights.towers * weight for weight in weights[1:])])
        others *= directions == 0
        fixed, varied = (_joined(queries, candidates, factors) for factors in (others, directions))
        fixed = np.concatenate([fixed[0], ones], axis=1), np.concatenate([fixed[1], common], axis=1)
        return weights._replace(**{part: choose_weight(tried, measure.along(fixed, varied, tried))})

    given = [part for part, query in zip(PartWeights._fields[1:], queries[1:], strict=True) if np.any(query)]
    order = [*given, *given[:-1]]
    for part in order if level is None else ["towers", *order, "towers"]:
        weights = choose(part, _TOWERS_WEIGHTS if part == "towers" else _PART_WEIGHTS)
    _LOG.info("retrieval: weights %.2g of the towers, %.2g of the linear part, %.2g of transitions", *weights)
    set_part_weights(model, weights, contexts, level)
    return weights


def set_part_weights(model: RetrievalModel, weights: PartWeights, contexts: Contexts, level: np.ndarray | None) -> None:
    """Sets the weights and the level of the model; arguments as those and the result of `choose_part_weights`.

    The units of the weights come from the scores of some users. The sum is scaled to vary as much as the towers, so
    that it remains on the scale of the softmax's logits.
    """
    model.weights, model.scale = PartWeights(1.0, 1.0, 1.0), 1.0
    active = np.flatnonzero(np.diff(contexts.histories.row_splits))[:_USERS_COMPARED]
    *queries, _ = model.split(encode_users(model, contexts, active))
    *candidates, _ = model.split(encode_candidates(model, len(model.level)))
    scores = [query @ candidate.T for query, candidate in zip(queries, candidates, strict=True)]
    towers = scores[0] + model.two_tower.item_bias
    others = zip(scores[1:], weights[1:], strict=True)
    units = [1.0, *(weight * relative_width(towers, part) for part, weight in others)]
    model.weights = PartWeights(*(weights.towers * unit for unit in units))
    if level is not None:
        model.level = level
    total = sum(weight * part for weight, part in zip(model.weights, scores, strict=True)) + model.level
    model.scale = relative_width(towers, total)


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
