"""Measures a sequence model on held-out windows."""

import numpy as np

from recommender.interactions.items import PADDING
from recommender.models.sequence import SequenceModel
from recommender.training.windows import Windows
from schemas.on_device import SequenceModelSettings

_AT_ONCE = 1_024
_MOST = 20_000


class Measure:
    """Mean over windows of 1 / log2(1 + rank): NDCG without a cut, by which all windows have a say.

    The context's items are left out if the model leaves them out; of equal scores half are counted as higher. Labels
    that are no item of the catalogue rank nowhere.
    """

    def __init__(self, windows: Windows, settings: SequenceModelSettings, seed: int):
        """Takes the windows, or a random choice of very many."""
        if len(windows.label) > _MOST:
            windows = windows.take(np.random.default_rng(seed).choice(len(windows.label), _MOST, replace=False))
        self._windows, self._exclude = windows, settings.exclude_seen and "item" in settings.features

    @property
    def num_windows(self) -> int:
        """How many it measures on."""
        return len(self._windows.label)

    def __call__(self, model: SequenceModel) -> float:
        """Measures."""
        return float(np.mean(_gains(self.ranks(model))))

    def of(self, model: SequenceModel) -> dict[str, float]:
        """All that is recorded of a fitted model; nothing if there are no windows."""
        if not self.num_windows:
            return {"windows": 0}
        ranks = self.ranks(model)
        return {
            "windows": self.num_windows,
            "ndcg": float(np.mean(_gains(ranks))),
            "ndcg_at_10": float(np.mean(np.where(ranks <= 10, _gains(ranks), 0.0))),
            **{f"recall_at_{k}": float(np.mean(ranks <= k)) for k in (10, 50, 100)},
        }

    def ranks(self, model: SequenceModel) -> np.ndarray:
        """[n] float64 ranks of the labels, from 1; infinite for no item of the catalogue."""
        ranks = [np.zeros(0)]
        for begin in range(0, self.num_windows, _AT_ONCE):
            block = self._windows.take(slice(begin, begin + _AT_ONCE))
            scores = model.score(model.encode(block.context)).numpy()
            rows = np.arange(len(scores))
            own = scores[rows, block.label]
            if self._exclude:
                scores[rows[:, np.newaxis], block.context["item"]] = -np.inf
            scores = scores[:, 1:]
            # "Not lower or equal" rather than "higher": a score that is not a number then ranks last, not first.
            higher = np.sum(~(scores <= own[:, np.newaxis]), axis=1)
            equal = np.maximum(np.sum(scores == own[:, np.newaxis], axis=1) - 1, 0)
            ranks.append(np.where(block.label == PADDING, np.inf, 1 + higher + equal / 2))
        return np.concatenate(ranks)


def _gains(ranks: np.ndarray) -> np.ndarray:
    return 1 / np.log2(1 + ranks)
