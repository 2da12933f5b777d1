"""Measures a sequence model on held-out windows."""

import numpy as np

from recommender.evaluation.ranks import gains, ranks
from recommender.interactions.items import PADDING
from recommender.models.sequence import SequenceModel
from recommender.training.windows import Windows
from schemas.settings import SequenceModelSettings

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
        return float(np.mean(gains(self.ranks(model))))

    def of(self, model: SequenceModel) -> dict[str, float]:
        """All that is recorded of a fitted model; nothing if there are no windows."""
        if not self.num_windows:
            return {"windows": 0}
        found = self.ranks(model)
        return {
            "windows": self.num_windows,
            "ndcg": float(np.mean(gains(found))),
            "ndcg_at_10": float(np.mean(gains(found, 10))),
            **{f"recall_at_{k}": float(np.mean(found <= k)) for k in (10, 50, 100)},
        }

    def ranks(self, model: SequenceModel) -> np.ndarray:
        """[n] float64 ranks of the labels, from 1; infinite for no item of the catalogue."""
        found = [np.zeros(0)]
        for begin in range(0, self.num_windows, _AT_ONCE):
            block = self._windows.take(slice(begin, begin + _AT_ONCE))
            scores = model.score(model.encode(block.context)).numpy()
            left_out = np.zeros(scores.shape, bool)
            left_out[:, PADDING] = True
            if self._exclude:
                left_out[np.arange(len(scores))[:, np.newaxis], block.context["item"]] = True
            found.append(ranks(scores, np.where(block.label == PADDING, scores.shape[1], block.label), left_out))
        return np.concatenate(found)
