import numpy as np
import pytest

from recommender.interactions.interactions import Interactions
from recommender.models.transitions import fit_transitions, no_transitions


def test_transitions_by_hand() -> None:
    """User 0 chooses items 0, 1, 2, user 1 item 1, then 0, then 0 again; item 3 is never chosen."""
    user, item = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 1, 0, 0])
    events = Interactions.of(user, item, None, None, 2, 4)
    fitted = fit_transitions(events, 6, 2.0)
    two = np.exp(-1 / 3)
    weights = np.zeros((4, 4))
    # From user 0: 0 to 1 and 1 to 2 directly, 0 to 2 over one; from user 1: 1 to 0 directly and over one.
    for before, after, weight in [(0, 1, 1.0), (1, 2, 1.0), (0, 2, two), (1, 0, 1.0 + two)]:
        weights[before, after] += weight
        weights[after, before] += weight / 2
    counts = np.array([3.0, 2.0, 1.0, 1.0])
    expected = counts[:, np.newaxis] ** -0.4 * weights * counts**-0.3
    left, values, right = np.linalg.svd(expected)
    assert fitted.history[:-1] @ fitted.items.T == pytest.approx(left * np.sqrt(values) @ right, abs=1e-3)
    assert fitted.history.shape == (5, 3) and not fitted.history[-1].any() and fitted.decay == 2.0


def test_no_transitions_score_nothing() -> None:
    nothing = no_transitions(3)
    assert (nothing.history @ nothing.items.T == 0).all() and nothing.history.shape == (4, 0)
