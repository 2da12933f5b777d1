import numpy as np
import pytest

from benchmarks.events import Events
from benchmarks.next_items import first, in_order, leave_last, measure, rank_next
from benchmarks.peers import co_occurrence
from benchmarks.protocols import Data
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged


def make_events(*rows: tuple[int, int, int]) -> Events:
    user, item, timestamp = np.array(rows, np.int64).reshape(-1, 3).T
    return Events(user.astype(np.int32), item.astype(np.int32), np.ones(len(rows), np.float32), timestamp)


def make_data(train: Events, test: Events, num_users: int, num_items: int) -> Data:
    nothing = Ragged(np.array([], np.int32), np.zeros(num_items + 1, np.int64))
    return Data("time", train, test, Catalogue(num_users, 0, 0, 0, nothing, nothing, nothing), (1, 5))


def test_hand_worked_ranks():
    scores = np.array([[9, 1, 2, 3, 4], [5, 9, 3, 3, 1], [1, 2, 9, 3, 4], [0, 0, 0, 9, 0], [0] * 5], float)
    train = make_events((0, 4, 0))
    test = make_events((0, 2, 3), (0, 0, 1), (0, 1, 2), (1, 3, 1))
    # User 0 chooses 0, 1, 2 and has 4. Of 1, 2, 3 by row 0, item 1 is the last; of 2 and 3 by row 1, item 2 is equal.
    # User 1 has nothing next.
    assert rank_next(scores, train, test).tolist() == [3, 1.5]


def test_coverage_and_popularity_of_what_is_shown():
    """22 items of which only item 0, chosen twice, and item 1 have events; the lists are of the 10 next numbers."""
    scores = -np.abs(np.arange(22)[:, np.newaxis] - np.arange(22) - 0.25)
    data = make_data(make_events((0, 0, 0), (1, 0, 0), (1, 1, 1)), make_events((0, 3, 5), (0, 4, 6)), 2, 22)
    values = measure(scores, data)
    assert values["cov@10"] == pytest.approx(11 / 22)  # 1 to 10 and 0, 2 to 10
    assert values["events@10"] == pytest.approx((1 + 2) / 20)
    # To item 3, item 2 is nearer than 4 by the quarter.
    assert values["R@10"] == 1.0 and values["MRR"] == pytest.approx(1 / 2)


def test_shared_genres_of_items_weighted_by_their_events():
    """Item 0, with two events, shares one genre of two with items 1 to 10; item 1 and the nine after 0 share all."""
    nothing = Ragged.of([[]] * 11)
    genres = Ragged.of([[0, 1], *[[0]] * 10])
    data = make_data(make_events((0, 0, 0), (1, 0, 0), (1, 1, 1)), make_events((0, 3, 5), (0, 4, 6)), 2, 11)
    data = data._replace(catalogue=Catalogue(2, 2, 0, 0, genres, nothing, nothing))
    assert measure(np.zeros((11, 11)), data)["genres@10"] == pytest.approx((2 * 0.5 + (0.5 + 9) / 10) / 3)


def test_the_last_ten_events_of_those_who_have_twenty_are_tested():
    train = make_events(*((0, item, item) for item in range(25)), *((1, item, item) for item in range(19)))
    data = leave_last(make_data(train, make_events(), 2, 25))
    assert sorted(data.test.item.tolist()) == list(range(15, 25)) and set(data.test.user.tolist()) == {0}
    assert len(data.train.user) == 15 + 19


def test_equal_times_come_in_random_order():
    order = in_order(make_events(*((0, item, 5) for item in range(20)))).item.tolist()
    assert sorted(order) == list(range(20)) != order


def test_an_item_is_not_similar_to_itself():
    assert first(np.eye(4) * 5 + np.arange(4), 2).tolist() == [[3, 2], [3, 2], [3, 1], [2, 1]]


@pytest.fixture
def data() -> Data:
    """Users 0 and 1 chose items 0 and 1, user 2 items 1 and 2, then 0; no user chose item 3."""
    train = make_events((0, 0, 1), (0, 1, 2), (1, 1, 1), (1, 0, 2), (2, 1, 1), (2, 2, 2), (2, 0, 3))
    return make_data(train, make_events(), 3, 4)


def test_hand_worked_counts(data: Data):
    both = np.array([[0, 3, 1, 0], [3, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    assert co_occurrence.counts(data) == pytest.approx(both, abs=1e-5)
    assert co_occurrence.cosine(data)[0] == pytest.approx([0, 3 / 3, 1 / 3**0.5, 0], abs=1e-5)
    assert co_occurrence.jaccard(data)[0, :3] == pytest.approx([0, 3 / 33, 1 / 33], abs=1e-5)


def test_a_window_excludes_events_further_apart(data: Data, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(co_occurrence, "WINDOW", 1)
    assert co_occurrence.windowed_counts(data)[1] == pytest.approx([2, 0, 1, 0], abs=1e-5)
    assert co_occurrence.windowed_counts(data)[0] == pytest.approx([0, 2, 1, 0], abs=1e-5)
