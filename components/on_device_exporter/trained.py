"""The output of the training of a sequence model: the SavedModel, its windows and its catalogue."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from schemas import signatures as names

_SCORES_AT_ONCE = 4_000_000
"""Maximum number of windows times items scored at once, to limit the memory."""


class Trained:
    """One model in the artifact of sequence models."""

    def __init__(self, folder: Path):
        """Reads everything but the model itself."""
        self.name = folder.name
        self.saved_model = folder / "saved_model"
        self.facts: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.items: list[dict[str, Any]] = json.loads((folder / "items.json").read_text(encoding="utf-8"))
        with np.load(folder / "windows.npz") as arrays:
            windows = {name: arrays[name] for name in arrays.files}
        self.popularity = windows["popularity"]
        self.label, self.context_length = windows["eval/label"], windows["eval/context_length"]
        self.user = windows["eval/user"]
        # The inputs of the calibration windows are those of the model.
        inputs = [name.removeprefix("train/") for name in windows if name.startswith("train/")]
        self.train, self.eval = ({name: windows[f"{split}/{name}"] for name in inputs} for split in ("train", "eval"))

    @property
    def num_items(self) -> int:
        """Size of the catalogue."""
        return len(self.items)

    @property
    def k(self) -> int:
        """Number of items that a call returns."""
        return int(self.facts["k"])

    @property
    def excluded(self) -> np.ndarray:
        """[n, any] items that are not shown for each evaluation window, padded with 0."""
        items = self.eval.get(names.CONTEXT + names.ITEM)
        return items if self.facts["exclude_seen"] and items is not None else np.zeros([len(self.label), 1], np.int32)

    def logits(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yields slices of the evaluation windows, with the SavedModel's scores of all items, [m, num_items]."""
        step = max(1, _SCORES_AT_ONCE // self.num_items)
        for begin in range(0, len(self.label), step):
            rows = slice(begin, begin + step)
            inputs = {name: tf.constant(column[rows]) for name, column in self.eval.items()}
            yield rows, self._signatures[names.SCORES](**inputs)[names.LOGITS].numpy()

    def recommend_ids(self, history: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the answer of the SavedModel's signature of this name to a history."""
        outputs = self._signatures[names.RECOMMEND_IDS](**{name: tf.constant(each) for name, each in history.items()})
        return {name: column.numpy() for name, column in outputs.items()}

    def history_inputs(self) -> list[str]:
        """Returns the names of the inputs of the signature `recommend_ids`."""
        return sorted(self._signatures[names.RECOMMEND_IDS].structured_input_signature[1])

    @cached_property
    def _signatures(self) -> Any:
        self._loaded = tf.saved_model.load(str(self.saved_model))
        return self._loaded.signatures
