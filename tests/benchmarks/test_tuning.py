import numpy as np
import pytest

from benchmarks import tuning
from benchmarks.contender import Contender, Grid, Rating, Retrieval
from benchmarks.events import Events
from benchmarks.protocols import Data
from benchmarks.tuning import climb, tune
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged

SPACE = {"a": Grid((1, 2, 4, 8), 2), "b": Grid((0.1, 1.0, 10.0), 10.0)}


def test_a_search_climbs_one_hyperparameter_at_a_time():
    seen = []

    def value(chosen):
        seen.append((chosen["a"], chosen["b"]))
        return -abs(chosen["a"] - 8) - abs(chosen["b"] - 1)

    assert climb(SPACE, value, 12) == ({"a": 8, "b": 1.0}, 6)
    assert seen == [(2, 10), (4, 10), (8, 10), (8, 1), (8, 0.1), (4, 1)]


@pytest.mark.parametrize("most", [1, 2, 4])
def test_a_search_keeps_to_its_number_of_fits(most):
    assert climb(SPACE, lambda chosen: chosen["a"] - chosen["b"], most)[1] == most


def _data(num_events: int) -> Data:
    numbers = np.arange(num_events)
    events = Events(numbers % 10, numbers % 7, (1 + numbers % 5).astype(np.float32), numbers)
    nothing = Ragged(np.array([], np.int32), np.zeros(8, np.int64))
    return Data("random", events, events.take(numbers < 0), Catalogue(10, 0, 0, 0, nothing, nothing, nothing), (1, 5))


def test_hyperparameters_are_chosen_by_the_events_held_out_from_training(monkeypatch):
    data, sizes = _data(50), []

    def fit(inner: Data, seed: int, a: int, b: float) -> Rating:
        sizes.append(len(inner.train.user))
        return Rating(lambda users, items, timestamps: np.full(len(users), a + b))

    monkeypatch.setattr(Contender, "load", lambda self: fit)
    tuned = tune(Contender("x", "rating", "", space=SPACE), data, 1, 12, lambda text: None)
    assert set(sizes) == {45}
    assert tuned.num_combinations == 12
    assert tuned.chosen == {"a": 2, "b": 1.0}  # the mean of the ratings is about 3


def test_many_users_are_sampled(monkeypatch):
    monkeypatch.setattr(tuning, "_MOST_USERS", 4)
    data = _data(50)
    inner = tuning._sampled(data._replace(test=data.train))
    assert len(np.unique(inner.test.user)) == 4
    assert len(inner.test.user) == 20  # all events of these


def test_new_users_count_for_a_model_that_can_score_them():
    data = _data(20)
    train = data.train.take(data.train.user != 3)
    data = data._replace(train=train, test=data.train.take(data.train.user == 3))

    def scores(users):
        return np.tile(np.arange(7.0), (len(users), 1))

    assert tuning.measure(Retrieval(scores, new_users=True), data) > 0.5
