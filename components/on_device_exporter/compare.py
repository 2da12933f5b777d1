"""Comparison of a TFLite model's answers with those of the SavedModel."""

from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-4
"""Maximum difference of a score in float32, as a share of the largest score of the call."""


class Comparison(NamedTuple):
    """The difference between the answers of two models.

    difference: largest difference of a score, as a share of the largest score of the call. agreement: share of the
    items whose score in the SavedModel is at least the k-th best, up to rounding, in [0, 1].
    """

    difference: float
    agreement: float

    def shortcomings(self) -> list[str]:
        """Returns the reasons why a float32 model is not the same as the SavedModel, an empty list if it is."""
        reasons = []
        if not self.difference <= TOLERANCE:
            reasons.append(
                f"expected scores that differ from the SavedModel's by a share of at most {TOLERANCE:g} of the "
                f"largest, got a share of {self.difference:g}"
            )
        if not self.agreement >= 1.0:
            reasons.append(f"expected the SavedModel's best items, got only a share of {self.agreement:.4f} of them")
        return reasons


def compare(item: np.ndarray, score: np.ndarray, logits: np.ndarray, excluded: np.ndarray) -> Comparison:
    """Compares lists with the scores of all items.

    Args:
      item: [n, k] items from 1, best first, padded with 0.
      score: [n, k] scores of these items, 0 for padding.
      logits: [n, num_items] the SavedModel's scores of the items 1 to num_items.
      excluded: [n, any] items that must not be returned, padded with 0.

    Raises:
      RuntimeError: a list holds excluded items, duplicates, or the wrong number of items.
    """
    rows = np.arange(len(item))[:, None]
    own = np.pad(logits.astype(np.float64), [[0, 0], [1, 0]])
    own[rows, excluded] = -np.inf
    own[:, 0] = -np.inf
    count = min(item.shape[1], own.shape[1])
    ordered = -np.sort(-np.partition(own, -count, axis=1)[:, -count:], axis=1)
    ordered = np.pad(ordered, [[0, 0], [0, item.shape[1] - count]], constant_values=-np.inf)
    left = ordered > -np.inf
    _refuse_wrong(item, left, own)
    scale = np.max(np.abs(np.where(left, ordered, 0.0)), axis=1, keepdims=True)
    scale[scale == 0.0] = 1.0
    found = np.where(left, own[rows, np.clip(item, 0, logits.shape[1])], 0.0)
    gaps = np.maximum(np.abs(score - found), np.abs(score - np.where(left, ordered, 0.0))) / scale
    least = np.min(np.where(left, ordered, np.inf), axis=1, keepdims=True)
    agrees = found >= least - TOLERANCE * scale
    return Comparison(float(np.max(gaps, initial=0.0)), float(np.mean(agrees[left])) if left.any() else 1.0)


def _refuse_wrong(item: np.ndarray, left: np.ndarray, own: np.ndarray) -> None:
    in_range = (item >= 0) & (item < own.shape[1])
    allowed = own[np.arange(len(item))[:, None], np.where(in_range, item, 0)] > -np.inf
    ascending = np.sort(np.where(left, item, -1 - np.arange(item.shape[1])), axis=1)
    twice = (np.diff(ascending, axis=1) == 0).any(axis=1)
    wrong = (allowed != left).any(axis=1) | (~in_range).any(axis=1) | (item[:, :] * ~left).any(axis=1) | twice
    if wrong.any():
        row = int(np.argmax(wrong))
        raise RuntimeError(
            f"{int(wrong.sum())} of {len(item)} answers hold excluded items, duplicates or the wrong number of items; "
            f"the first of these answers is {item[row][:20].tolist()}"
        )


def merge(parts: list[tuple[Comparison, int]]) -> Comparison:
    """Merges comparisons, each with its number of windows, into a comparison of all windows."""
    total = sum(number for _, number in parts)
    if not total:
        return Comparison(0.0, 1.0)
    difference = max(comparison.difference for comparison, _ in parts)
    return Comparison(difference, sum(comparison.agreement * number for comparison, number in parts) / total)


def compare_ids(found: list[dict[str, np.ndarray]], expected: list[dict[str, np.ndarray]]) -> Comparison:
    """Compares `item_id` and `score`, [k] each, call by call; only ids with nearly equal scores may change places.

    Raises:
      RuntimeError: a score is not finite, an id occurs twice, or the number of ids differs.
    """
    difference, agreeing = 0.0, 0.0
    for call, (one, other) in enumerate(zip(found, expected, strict=True)):
        _refuse_broken(call, one, other)
        own = dict(zip(other["item_id"], other["score"], strict=True))
        scale = float(np.max(np.abs(other["score"]))) or 1.0
        known = np.array([own.get(*pair) for pair in zip(one["item_id"], one["score"], strict=True)])
        gaps = np.maximum(np.abs(one["score"] - other["score"]), np.abs(one["score"] - known))
        difference = max(difference, float(np.max(gaps)) / scale)
        near = other["score"] <= np.min(other["score"]) + TOLERANCE * scale
        agreeing += float(np.mean(np.isin(one["item_id"], other["item_id"]) | near))
    return Comparison(difference, agreeing / len(found) if found else 1.0)


def _refuse_broken(call: int, found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    ids = [id_ for id_ in found["item_id"] if id_]
    wanted = sum(bool(id_) for id_ in expected["item_id"])
    if not np.isfinite(found["score"]).all() or len(set(ids)) < len(ids) or len(ids) != wanted:
        raise RuntimeError(
            f"answer {call} by ids: expected {wanted} different ids with finite scores, got {ids[:20]} with "
            f"{found['score'][:20].tolist()}"
        )
