"""What the training of a sequence model has left: the SavedModel, windows to ask it about, and its catalogue."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from schemas import signatures as names

_SCORES_AT_ONCE = 4_000_000
"""Windows times items that are looked at together, to bound the memory."""


class Trained:
    """A folder of the artifact of sequence models."""

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
        # What there is to calibrate on is what there is to ask.
        inputs = [name.removeprefix("train/") for name in windows if name.startswith("train/")]
        self.train, self.eval = ({name: windows[f"{split}/{name}"] for name in inputs} for split in ("train", "eval"))

    @property
    def num_items(self) -> int:
        """Size of the catalogue."""
        return len(self.items)

    @property
    def k(self) -> int:
        """Items that a call returns."""
        return int(self.facts["k"])

    @property
    def excluded(self) -> np.ndarray:
        """[n, any] items of the evaluation windows that are not shown, 0 for none."""
        items = self.eval.get(names.CONTEXT + names.ITEM)
        return items if self.facts["exclude_seen"] and items is not None else np.zeros([len(self.label), 1], np.int32)

    def logits(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Some of the evaluation windows after the other, and the SavedModel's scores of all items, [m, num_items]."""
        step = max(1, _SCORES_AT_ONCE // self.num_items)
        for begin in range(0, len(self.label), step):
            rows = slice(begin, begin + step)
            inputs = {name: tf.constant(column[rows]) for name, column in self.eval.items()}
            yield rows, self._signatures[names.SCORES](**inputs)[names.LOGITS].numpy()

    def recommend_ids(self, history: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The SavedModel's answer to a history, see the signature of this name."""
        outputs = self._signatures[names.RECOMMEND_IDS](**{name: tf.constant(each) for name, each in history.items()})
        return {name: column.numpy() for name, column in outputs.items()}

    def history_inputs(self) -> list[str]:
        """Names of the inputs of that signature."""
        return sorted(self._signatures[names.RECOMMEND_IDS].structured_input_signature[1])

    @cached_property
    def _signatures(self) -> Any:
        self._loaded = tf.saved_model.load(str(self.saved_model))
        return self._loaded.signatures
