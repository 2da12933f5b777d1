import numpy as np
import pytest

from benchmarks.contender import Contender, Grid, Rating, Refusal
from benchmarks.events import Events
from benchmarks.measuring import Budget, run
from benchmarks.protocols import Data
from benchmarks.results import CPU_SECONDS
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from schemas.settings import Settings

SETTINGS = Settings.model_validate({"name": "x", "data": {"folder": "."}})


@pytest.fixture
def data() -> Data:
    """Twenty ratings of 3, of which ten are the test, and one event without a rating."""
    numbers = np.arange(21)
    ratings = np.where(numbers < 20, 3, np.nan).astype(np.float32)
    events = Events(numbers % 5, numbers % 3, ratings, numbers)
    nothing = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    catalogue = Catalogue(5, 0, 0, 0, nothing, nothing, nothing)
    return Data("random", events.take(numbers >= 10), events.take(numbers < 10), catalogue, (1, 5))


def _load(monkeypatch, fit):
    monkeypatch.setattr(Contender, "load", lambda self: fit)


def test_a_peer_is_fitted_with_what_was_chosen_for_each_seed(monkeypatch, data):
    fits = []

    def fit(data: Data, seed: int, constant: float) -> Rating:
        fits.append((len(data.train.user), seed, constant))
        return Rating(lambda users, items, timestamps: np.full(len(users), constant))

    _load(monkeypatch, fit)
    space = {"constant": Grid((2.0, 3.5, 5.0), 2.0)}
    (result,) = run(Contender("x", "rating", "", space=space), data, SETTINGS, Budget([7, 8], 12))
    assert fits[-2:] == [(10, 7, 3.5), (10, 8, 3.5)]
    assert {(size, seed) for size, seed, _ in fits[:-2]} == {(9, 7)}
    assert [one["RMSE"] for one in result.runs] == [0.5, 0.5]
    assert result.tuned.num_fits == 3
    assert result.runs[0][CPU_SECONDS] >= 0


def test_ours_is_measured_with_times_and_as_served(monkeypatch, data):
    def fit(data: Data, seed: int, settings: Settings) -> Rating:
        return Rating(
            lambda users, items, timestamps: np.full(len(users), 3.0), lambda users, items: np.full(len(users), 4.0)
        )

    _load(monkeypatch, fit)
    contender = Contender("x", "rating", "", ("ratings", "times", "content"), ours=True)
    judged, served = run(contender, data, SETTINGS, Budget([1], 12))
    assert (judged.name, judged.mean["RMSE"], judged.reads) == ("x", 0.0, ("ratings", "times"))
    assert (served.name, served.mean["RMSE"]) == ("x, as served", 1.0)
    assert served.reads == ("ratings", "times of training")


def test_who_cannot_take_part_is_named_and_left_out(monkeypatch, data, capsys):
    def fit(data: Data, seed: int) -> Rating:
        raise Refusal("too large")

    _load(monkeypatch, fit)
    assert run(Contender("x", "rating", ""), data, SETTINGS, Budget([1], 12)) == []
    assert capsys.readouterr().out == "random x: too large\n"
    assert run(Contender("x", "rating", ""), data._replace(train=data.train.take([])), SETTINGS, Budget([1], 12)) == []
