"""The description that is written next to a TFLite model, for those who call it."""

import hashlib
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.tflite_exporter.compare import Comparison, Limits
from schemas import signatures as names

FORMAT = 2
"""Rises whenever inputs or outputs of the TFLite models change."""

_RATE = {
    names.USER_ID: "[n] user ids as in the ratings file, in UTF-8; an unknown one gets the rating of an average user",
    names.ITEM_ID: "[n] item ids as in the ratings file, in UTF-8; an unknown one gets the rating of an average item",
    names.RATING: "[n] predicted ratings, within the rating scale",
}
_RETRIEVE = {
    names.USER_ID: "[1] user id as in the ratings file, in UTF-8; an unknown one without history gets what is popular",
    names.HISTORY_ITEM_ID: "[any] ids of items that the user chose, oldest first, in place of those of training; none, "
    "or unknown ones alone: those of training. Neither the ones nor the others are shown again",
    names.K: "[] how many items, from 1",
    names.ITEM_ID: "[k] item ids, the best first; if fewer are left, empty ones at the end",
    names.SCORE: "[k] scores of these items, descending; 0 beside an empty id",
}
MEANINGS = {names.RATE: _RATE, names.RETRIEVE_ON_DEVICE: _RETRIEVE}
"""Of tensors, by signature."""


def describe(
    file: Path,
    saved_model: str,
    signature: str,
    variant: str,
    declared: dict[str, Any],
    operators: list[str],
    comparison: Comparison,
    limit: Limits,
) -> dict[str, Any]:
    """A description that goes into a JSON file.

    Args:
      file: the TFLite model.
      saved_model: folder of the SavedModel that it was converted from.
      signature: the one converted.
      variant: of the numbers in it.
      declared: `inputs` and `output_tensors`, as LiteRT sees them.
      operators: names of its operators.
      comparison: with the SavedModel.
      limit: what was accepted.
    """
    content = file.read_bytes()

    def documented(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: tensor | {"meaning": MEANINGS[signature][name]} for name, tensor in tensors.items()}

    return {
        "file": file.name,
        "format": FORMAT,
        "saved_model": tf.saved_model.experimental.read_fingerprint(saved_model).singleprint(),
        "signature": signature,
        "variant": variant,
        "inputs": documented(declared["inputs"]),
        "outputs": documented(declared["output_tensors"]),
        "operators": operators,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "tensorflow": tf.__version__,
        "largest_difference": comparison.difference,
        "accepted_difference": limit.difference,
        "agreement": comparison.agreement,
        "accepted_agreement": limit.agreement,
        "compared": comparison.compared,
    }
