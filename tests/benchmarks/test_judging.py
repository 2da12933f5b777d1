import numpy as np
import pytest

from benchmarks.contender import Contender, Rating, Refusal, Retrieval
from benchmarks.contenders import CONTENDERS
from benchmarks.events import Events
from benchmarks.judging import judge
from benchmarks.measures import Measure
from benchmarks.protocols import Data, Protocol
from benchmarks.results import CPU_SECONDS, Result, against_floors, against_peers, best_peer, format_tables
from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from schemas.errors import DataError

SIZE = 12


def _events(*pairs: tuple[int, int]) -> Events:
    user, item = (np.array(column, np.int32) for column in zip(*pairs, strict=True))
    return Events(user, item, (1 + item % 5).astype(np.float32), np.arange(len(pairs)))


def _data(protocol: Protocol, train: Events, test: Events, num_users: int, num_items: int) -> Data:
    nothing = Ragged(np.array([], np.int32), np.zeros(num_items + 1, np.int64))
    return Data(protocol, train, test, Catalogue(num_users, 0, 0, 0, nothing, nothing, nothing), (1.0, 5.0))


def _checkerboard() -> Data:
    """Users like the items of their own parity; one such item is kept from each."""
    pairs = [(user, item) for user in range(SIZE) for item in range(SIZE) if user % 2 == item % 2]
    kept = [(user, user) for user in range(SIZE)]
    return _data("random", _events(*(pair for pair in pairs if pair not in kept)), _events(*kept), SIZE, SIZE)


PEERS = [one for one in CONTENDERS if one.name in ("item-knn", "ease", "ials")]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_what_is_withheld_from_a_checkerboard_comes_first(peer):
    data = _checkerboard()
    fitted = peer.load()(data, 1, **{name: grid.start for name, grid in peer.space.items()})
    scores = fitted.scores(np.arange(SIZE))
    scores[data.train.user, data.train.item] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(SIZE))
    assert judge(fitted, data).values["MRR"] == 1.0


def _by_time() -> Data:
    """Users 0 and 1 and items 0 to 2 are known; user 2 and item 3 are new."""
    return _data("time", _events((0, 0), (1, 1), (1, 2)), _events((0, 1), (2, 0), (1, 3), (2, 3)), 3, 4)


def test_by_time_known_pairs_and_new_users_and_items_are_measured_apart():
    scores = np.array([[9, 1, 5, 0], [0, 9, 9, 5], [1, 2, 3, 4]], np.float32)
    values = judge(Retrieval(lambda users: scores[users], new_users=True, new_items=True), _by_time()).values
    assert values["MRR"] == 1 / 2  # user 0: item 2, then item 1
    assert values["user NDCG@10"] == pytest.approx(1 / np.log2(5))  # user 2: item 0 is the fourth
    assert values["item 1/rank"] == 1.0  # user 1: item 3 before item 0
    assert values["1/rank x random"] == pytest.approx(1 / (1.5 / 2))


def test_a_model_without_scores_for_new_users_and_items_is_not_measured_on_them():
    values = judge(Retrieval(lambda users: np.zeros((len(users), 4), np.float32)), _by_time()).values
    assert not {"user NDCG@10", "item 1/rank"} & set(values)


def test_ratings_by_time_are_those_of_known_pairs():
    # The one known pair, (0, 1), has the rating 2.
    values = judge(Rating(lambda users, items, timestamps: np.full(len(users), 3.5)), _by_time()).values
    assert values == {"RMSE": 1.5, "MAE": 1.5}


def test_a_test_with_only_new_users_and_items_is_refused():
    data = _data("time", _events((0, 0)), _events((1, 0), (0, 1)), 2, 2)
    with pytest.raises(DataError, match="too small or too new"):
        judge(Retrieval(lambda users: np.zeros((len(users), 2), np.float32)), data)


def test_an_absent_package_is_named():
    with pytest.raises(Refusal, match="not installed: no_such_package"):
        Contender("x", "retrieval", "no_such_package.models:fit").load()


def _result(name: str, *errors: float, ours: bool = False, seconds: float = 1.0) -> Result:
    """A rating model, with the error of all ratings of two users for each seed."""
    runs = [{CPU_SECONDS: seconds, "RMSE": error} for error in errors]
    by_user = [{"RMSE": Measure(np.full(2, error**2), np.ones(2), is_root=True)} for error in errors]
    return Result(name, Contender(name, "rating", "", ours=ours), "time", ("ratings",), runs, by_user)


def test_ours_is_compared_with_the_peer_of_least_error_and_with_the_floor():
    ours = _result("atalaya-rating", 0.93, 0.95, ours=True)
    results = [_result("a", 0.99), _result("b", 0.935), ours]
    assert best_peer(results, "RMSE") is results[1]
    assert best_peer(results, "NDCG@10") is None
    assert [verdict.met for verdict in against_floors(results, "time")] == [True]  # 0.94, at most 0.945
    (verdict,) = against_peers(results, "time")
    assert not verdict.met
    assert verdict.text.startswith("time atalaya-rating: RMSE 0.9400, best peer b 0.9350; difference +0.0051 [+0.0051,")
    table = format_tables(results)
    assert "0.9350*" in table
    assert "0.9400 (0.0200)" in table
    assert len({len(line) for line in table.splitlines()}) == 1


def test_the_cost_of_both_fits_is_compared_with_both_tutorials():
    names = ("atalaya-retrieval", "atalaya-rating", "tutorial-retrieval", "tutorial-rating")
    costs = zip(names, (3.0, 2.5, 4.0, 1.0), strict=True)
    results = [_result(name, 9.0, seconds=seconds) for name, seconds in costs]
    assert [verdict.met for verdict in against_floors(results, "random")] == [False]
    assert against_floors(results[:3], "random") == []


def test_the_cost_is_shown_in_multiples_of_ials():
    assert "| 2.5        | 5.0    |" in format_tables(
        [_result("ials", 1.0, seconds=0.5), _result("b", 1.0, seconds=2.5)]
    )
