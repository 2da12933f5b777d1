"""Whether a TFLite model returns what the SavedModel would."""

from typing import NamedTuple

import numpy as np

TOLERANCE = 1e-4
"""Accepted of float32: difference of scores, as a share of the largest of the call."""


class Comparison(NamedTuple):
    """difference: the largest of the scores, as a share of the largest score of the call. agreement: share of items.

    An item agrees if the SavedModel's score of it is no lower than its k-th best, ties apart.
    """

    difference: float
    agreement: float

    def shortcomings(self) -> list[str]:
        """The reasons not to take the model for the same as the SavedModel; for float32."""
        reasons = []
        if not self.difference <= TOLERANCE:
            reasons.append(
                f"its scores differ from the SavedModel's by a share of {self.difference:g} of the largest, at most "
                f"{TOLERANCE:g} is allowed"
            )
        if not self.agreement >= 1.0:
            reasons.append(f"only a share of {self.agreement:.4f} of its items are the SavedModel's best, all must be")
        return reasons


def compare(item: np.ndarray, score: np.ndarray, logits: np.ndarray, excluded: np.ndarray) -> Comparison:
    """Compares lists with the scores of all items.

    Args:
      item: [n, k] items from 1, the best first; 0 behind the last one that is left.
      score: [n, k] of these items, 0 beside item 0.
      logits: [n, num_items] the SavedModel's scores of the items 1 to num_items.
      excluded: [n, any] items that must not be there, 0 for none.

    Raises:
      RuntimeError: items are there that must not be, or twice, or not as many as there should be.
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
            f"{int(wrong.sum())} of {len(item)} answers hold items that must not be there, the same item twice, or not "
            f"as many as are left; the first of them returns {item[row][:20].tolist()}"
        )


def merge(parts: list[tuple[Comparison, int]]) -> Comparison:
    """Of comparisons, each with its number of windows, one of all."""
    total = sum(number for _, number in parts)
    if not total:
        return Comparison(0.0, 1.0)
    difference = max(comparison.difference for comparison, _ in parts)
    return Comparison(difference, sum(comparison.agreement * number for comparison, number in parts) / total)


def compare_ids(found: list[dict[str, np.ndarray]], expected: list[dict[str, np.ndarray]]) -> Comparison:
    """Compares [k] ids and scores, call by call; ids may change places only where scores are as good as equal.

    Raises:
      RuntimeError: a score is no number, an id is there twice, or not as many are as expected.
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
            f"answer {call} by ids: {wanted} different ids with numbers for scores are expected, got {ids[:20]} with "
            f"{found['score'][:20].tolist()}"
        )
