import numpy as np
import pytest

from benchmarks.across_sittings import measure, shares_below
from benchmarks.events import Events
from benchmarks.protocols import Data
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged

DAY = 86_400


def make_events(*rows: tuple[int, int, int, int]) -> Events:
    user, item, rating, timestamp = np.array(rows, np.int64).T
    return Events(user.astype(np.int32), item.astype(np.int32), rating.astype(np.float32), timestamp)


def test_hand_worked_shares():
    """Of 6 events, item 1 has 1, item 2 has 2 and item 3 has 3; item 0 asks, and its own events are left out."""
    shares = shares_below(np.array([[9, 5, 5, 7], [0, 0, 0, 0], [3, 2, 1, 0], [0, 1, 2, 3]]), np.array([4, 1, 2, 3]))
    assert shares[0, 1:] == pytest.approx([1.5 / 6, 1.5 / 6, 4.5 / 6])
    assert shares[1, [0, 2, 3]] == pytest.approx(0.5)


def test_only_pairs_of_different_sittings_count():
    """Users rate items 0 and 1 on one day, 2 and 3 on the next; 0 and 2 are similar, and users rate them similarly."""
    nothing = Ragged.of([[]] * 4)
    likes = np.array([5, 1] * 10)
    train = make_events(*((u, item, like, 60 * item) for u, like in enumerate(likes) for item in (0, 1)))
    test = make_events(
        *((u, 2, like, DAY) for u, like in enumerate(likes)), *((u, 3, 6 - like, DAY) for u, like in enumerate(likes))
    )
    data = Data("time", train, test, Catalogue(20, 0, 0, 0, nothing, nothing, nothing), (1, 5))
    scores = np.eye(4)
    scores[:2, 2] = 0.5
    found = measure(scores, data)
    assert found["across"] == pytest.approx(0.5) and found["agreement"] > 0.9
    scores[:2, [2, 3]] = scores[:2, [3, 2]]
    assert measure(scores, data)["agreement"] < -0.9
