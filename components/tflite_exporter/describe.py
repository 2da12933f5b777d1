"""The description file next to a TFLite model, for the authors of apps."""

import hashlib
from pathlib import Path
from typing import Any

import tensorflow as tf

from components.tflite_exporter.compare import Comparison, Limits
from schemas import signatures as names

FORMAT = 3
"""Version of the TFLite models' inputs and outputs, increased with every change."""

_RATE = {
    names.USER_ID: "[n] user ids as in the ratings file, in UTF-8; an unknown one gets the rating of an average user",
    names.ITEM_ID: "[n] item ids as in the ratings file, in UTF-8; an unknown one gets the rating of an average item",
    names.RATING: "[n] predicted ratings, within the rating scale",
}
_RETRIEVE = {
    names.USER_ID: "[1] user id as in the ratings file, in UTF-8; an unknown one without history gets popular items",
    names.HISTORY_ITEM_ID: "[any] ids of items that the user chose, oldest first; they replace the user's training "
    "history, unless there are no known ids among them. Items of either history are not shown",
    names.K: "[] number of items, at least 1",
    names.ITEM_ID: "[k] item ids, best first; padded with empty ids if fewer items are left",
    names.SCORE: "[k] scores of these items, descending; 0 for padding",
}
MEANINGS = {names.RATE_ON_DEVICE: _RATE, names.RETRIEVE_ON_DEVICE: _RETRIEVE}
"""Meanings of the tensors of each signature."""


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
    """Returns the description of a TFLite model, ready for JSON.

    Args:
      file: the TFLite model.
      saved_model: folder of the SavedModel that it was converted from.
      signature: name of the converted signature.
      variant: number format, as in `export.tflite_variants`.
      declared: `inputs` and `output_tensors`, as reported by LiteRT.
      operators: names of its operators.
      comparison: comparison with the SavedModel.
      limit: limits of the comparison.
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
