"""Differences between the answers of a TFLite model and the SavedModel, and their limits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from schemas import layout


class Limits(NamedTuple):
    """Limits of a `Comparison`.

    difference: maximum difference. agreement: minimum agreement, in [0, 1].
    """

    difference: float
    agreement: float


# float16 has 11 binary digits: a relative error of up to 5e-4 in each number that is multiplied and added. 8 bits: an
# error of up to 1/254 of the largest number in the table or row.
_QUANTIZED_LIMITS = {
    (layout.RANKING, "float16"): Limits(0.002, 1.0),
    (layout.RANKING, "dynamic_range"): Limits(0.03, 1.0),
    (layout.RETRIEVAL, "float16"): Limits(0.01, 0.98),
    (layout.RETRIEVAL, "dynamic_range"): Limits(0.15, 0.85),
}


class Comparison(NamedTuple):
    """The difference between the answers of two models.

    difference: the largest difference, as a share of the largest rating of all pairs or of the largest score in the
    answer. agreement: share of the shown items that are among the SavedModel's best, in [0, 1]. compared: number of
    pairs or requests.
    """

    difference: float
    agreement: float
    compared: int


class Shown(NamedTuple):
    """The answer to one request.

    ids: [k] bytes, padded with empty ids. scores: [k] float32.
    """

    ids: np.ndarray
    scores: np.ndarray


def limits(name: str, variant: str, tolerance: float) -> Limits:
    """Returns the limits for a model and variant; `tolerance` is the maximum difference of float32."""
    return _QUANTIZED_LIMITS.get((name, variant), Limits(tolerance, 1.0))


def compare_ratings(found: np.ndarray, expected: np.ndarray) -> Comparison:
    """Compares the ratings of n pairs, [n] float32 each."""
    largest = float(np.max(np.abs(expected))) or 1.0
    return Comparison(float(np.max(np.abs(found - expected))) / largest, 1.0, len(found))


def compare_shown(
    found: Sequence[Shown], expected: Sequence[Shown], own: Sequence[dict[bytes, float]], tie: float
) -> Comparison:
    """Compares the answers of both models to the same requests.

    An item agrees if its score in the SavedModel is at least the k-th best score, up to a tie: rounding decides which
    of two items with nearly equal scores comes last. So an agreement of 1 means the same items, except for ties.

    Args:
      found: answers of the TFLite model.
      expected: answers of the SavedModel.
      own: the SavedModel's scores of the items in `found`, without items that it excludes.
      tie: maximum difference of scores that count as equal, as a share of the largest score.

    Raises:
      RuntimeError: an answer has items that the SavedModel excludes, duplicates, or the wrong number of items.
    """
    differences, agreeing = [0.0], []
    for one, other, scores in zip(found, expected, own, strict=True):
        ids, num_left = [id_ for id_ in one.ids if id_], int(np.sum(other.ids != b""))
        if len(set(ids)) < num_left or len(ids) > num_left or not set(ids) <= set(scores):
            raise RuntimeError(
                f"expected {num_left} different items that the SavedModel can show, got {len(ids)} items, of which "
                f"{len(set(ids))} are different and {len(set(ids) - set(scores))} are excluded by the SavedModel"
            )
        if not ids:
            continue
        scale = float(np.max(np.abs(other.scores[:num_left]))) or 1.0
        same_item = np.array([scores[id_] for id_ in ids])
        gaps = [one.scores[:num_left] - same_item, one.scores[:num_left] - other.scores[:num_left]]
        differences.append(float(np.max(np.abs(gaps))) / scale)
        agreeing.append(same_item >= other.scores[num_left - 1] - tie * scale)
    return Comparison(float(np.max(differences)), float(np.mean(np.concatenate(agreeing or [[True]]))), len(found))


def refuse_if_apart(file: str, comparison: Comparison, limit: Limits) -> None:
    """Checks a comparison against its limits.

    Raises:
      RuntimeError: a limit is exceeded, or a number is NaN.
    """
    if not comparison.difference <= limit.difference:
        raise RuntimeError(
            f"{file}: its answers differ from the SavedModel's by up to {comparison.difference:g} of the largest in "
            f"{comparison.compared} comparisons, expected at most {limit.difference:g} (for float32, "
            "export.tflite_tolerance)"
        )
    if not comparison.agreement >= limit.agreement:
        raise RuntimeError(
            f"{file}: a share of {comparison.agreement:.4f} of its items are among the SavedModel's best, expected at "
            f"least {limit.agreement:g}; remove this variant from export.tflite_variants"
        )
