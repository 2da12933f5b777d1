import numpy as np
import pytest
from scipy import sparse

from benchmarks.contender import Refusal
from benchmarks.events import Events
from benchmarks.peers import baselines, ials, transitions
from benchmarks.protocols import Data
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import NO_TIME
from recommender.interactions.ragged import Ragged


def _lists(*lists: list[int], protocol="last") -> Data:
    user = np.concatenate([[user] * len(items) for user, items in enumerate(lists)])
    position = np.concatenate([np.arange(len(items)) for items in lists])
    item = np.concatenate(lists)
    train = Events(user, item, np.full(len(item), np.nan, np.float32), np.full(len(item), NO_TIME), position)
    nothing = Ragged(np.array([], np.int32), np.zeros(item.max() + 2, np.int64))
    catalogue = Catalogue(len(lists), 0, 0, 0, nothing, nothing, nothing)
    return Data(protocol, train, train.take(user < 0), catalogue, (1, 5))


def test_hand_worked_transitions():
    data = _lists([0, 1, 2], [0, 2], [3, 0])
    # Item 0 is followed by 1 and by 2; 1 by 2; 3 by 0.
    plain = transitions.fit(data, 0, memory=1, window=1)
    assert plain.scores(np.array([2, 0])) == pytest.approx(np.array([[0, 0.5, 0.5, 0], [0, 0, 0, 0]]), abs=1e-5)
    # Within two events, 0 is followed by 2 once more at half weight; user 2 has 3 before 0, which counts half.
    wide = transitions.fit(data, 0, memory=2, window=2)
    assert wide.scores(np.array([2])) == pytest.approx(np.array([[0.5, 0.4, 0.6, 0]]), abs=1e-5)


def test_transitions_need_a_test_that_comes_later():
    with pytest.raises(Refusal, match="comes after the training events"):
        transitions.fit(_lists([0, 1], protocol="given"), 0, memory=1, window=1)


@pytest.mark.parametrize("width", [2, 5, 30])
def test_every_row_is_solved_as_by_the_normal_equations(width):
    rng = np.random.default_rng(5)
    seen = sparse.csr_matrix((rng.random((40, 25)) < rng.random((40, 1)) * 0.6).astype(np.float32))
    fixed = rng.standard_normal((25, width)).astype(np.float32)
    solved = ials.solve(seen, fixed, unobserved=0.3, regularization=0.02)
    for row in range(40):
        own = fixed[seen[row].indices]
        penalty = 0.02 * (len(own) + 0.3 * 25)
        system = own.T @ own + 0.3 * fixed.T @ fixed + penalty * np.eye(width)
        assert solved[row] == pytest.approx(np.linalg.solve(system, own.sum(axis=0)), abs=1e-3)


def test_recent_events_count_more_the_shorter_the_share():
    data = _lists([0, 1], [0])
    with pytest.raises(Refusal, match="expected times"):
        baselines.recency_popularity(data, 0, share=1.0)
    timed = data._replace(train=data.train._replace(timestamp=np.array([0, 100, 0]), position=None))
    assert baselines.recency_popularity(timed, 0, share=0.01).scores(np.array([0])).argmax() == 1
    assert baselines.recency_popularity(timed, 0, share=np.inf).scores(np.array([0])).argmax() == 0
