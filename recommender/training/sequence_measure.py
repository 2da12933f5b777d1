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
    """Mean over windows of 1 / log2(1 + rank): NDCG without a cut-off, so that all windows count.

    The context's items are left out if the model leaves them out; half of the equal scores count as higher. Labels that
    are not in the catalogue have an infinite rank.
    """

    def __init__(self, windows: Windows, settings: SequenceModelSettings, seed: int):
        """Takes the windows, or a random sample of more than 20,000."""
        if len(windows.label) > _MOST:
            windows = windows.take(np.random.default_rng(seed).choice(len(windows.label), _MOST, replace=False))
        self._windows, self._exclude = windows, settings.exclude_seen and "item" in settings.features

    @property
    def num_windows(self) -> int:
        """Number of windows."""
        return len(self._windows.label)

    def __call__(self, model: SequenceModel) -> float:
        """Returns the measure of a model."""
        return float(np.mean(gains(self.ranks(model))))

    def of(self, model: SequenceModel) -> dict[str, float]:
        """Returns the measures of a fitted model for its record; only the number of windows if it is 0."""
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
        """Returns the ranks of the labels, [n] float64, from 1; infinite for a label that is not in the catalogue."""
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
