from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.retrieval import RetrievalModel
from recommender.training import fit_retrieval as fit_retrieval_file
from recommender.training.fit_retrieval import fit_retrieval
from recommender.training.queries import QueryBatches
from schemas.settings import Settings
from small_interactions import divided, interactions

NUM_USERS, NUM_ITEMS = 60, 40


def make_settings(method: str, **retrieval: object) -> Settings:
    small = {"embedding_dimension": 8, "epochs": 4} | retrieval
    return Settings.model_validate(
        {"name": "test", "data": {"folder": "."}, "split": {"method": method}, "retrieval": small}
    )


def make_catalogue() -> Catalogue:
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    return Catalogue(NUM_USERS, 0, 0, 0, nothing, nothing, nothing)


def make_events(user: np.ndarray, item: np.ndarray, timestamp: np.ndarray) -> Interactions:
    return interactions(user, item, 1.0, timestamp, NUM_USERS, NUM_ITEMS)


def fit(events: Interactions, settings: Settings) -> RetrievalModel:
    return fit_retrieval(divided(events, settings), make_catalogue(), settings)


@pytest.fixture
def two_tastes() -> Interactions:
    """Users choose 12 of the items of their own parity."""
    generator = np.random.default_rng(0)
    own = np.arange(NUM_ITEMS).reshape(-1, 2).T
    item = np.concatenate([generator.choice(own[user % 2], 12, replace=False) for user in range(NUM_USERS)])
    return make_events(np.repeat(np.arange(NUM_USERS), 12), item, np.arange(len(item)))


@pytest.fixture
def fashion() -> Interactions:
    """Whatever is chosen in one of 10 months is one of 6 items, which are others every month."""
    generator = np.random.default_rng(0)
    month = np.sort(generator.integers(0, 10, 800))
    item = (4 * month + generator.integers(0, 6, 800)) % NUM_ITEMS
    events = make_events(generator.integers(0, NUM_USERS, 800), item, month * 30 * 86_400 + np.arange(800))
    return events.distinct


def test_the_linear_part_counts_at_random_where_the_towers_know_popularity_alone(two_tastes: Interactions) -> None:
    model = fit(two_tastes, make_settings("random", history="none", user_id=False))
    assert model.linear_weight > 0 and model.trend_weight == 0


def test_the_trend_counts_by_time_where_fashion_rules(fashion: Interactions) -> None:
    model = fit(fashion, make_settings("time", history="none", user_id=False))
    assert model.trend_weight > 0
    recent = model.popularity.argsort()[::-1][:6]
    assert set(recent) == {(4 * 9 + place) % NUM_ITEMS for place in range(6)}  # those of the last month


@pytest.mark.parametrize(
    ("method", "retrieval", "expected"),
    [
        ("random", {}, ("scattered", 8)),
        ("time", {}, ("blocks", 4)),
        ("time", {"targets": "scattered"}, ("scattered", 8)),
        ("random", {"parts": 3}, ("scattered", 3)),
    ],
)
def test_targets_follow_the_split(
    method: str,
    retrieval: dict[str, object],
    expected: tuple[str, int],
    two_tastes: Interactions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Asked(Exception):
        pass

    def refuse(users: object, kind: str, parts: int, *rest: object) -> QueryBatches:
        raise Asked(kind, parts)

    monkeypatch.setattr(fit_retrieval_file, "QueryBatches", refuse)
    with pytest.raises(Asked) as asked:
        fit(two_tastes, make_settings(method, **retrieval))
    assert asked.value.args == expected


def test_events_with_larger_weights_count_more(two_tastes: Interactions) -> None:
    """All items are chosen about as often, and choices of the first eight have ten times the weight."""
    weight = np.where(two_tastes.item < 8, np.float32(10), np.float32(1))
    fast = {"epochs": 8, "learning_rate": 0.1, "linear": False, "history": "none"}
    model = fit(replace(two_tastes, weight=weight), make_settings("random", **fast))
    unknown = np.array([NUM_USERS])
    query = model.encode_queries(unknown, tf.RaggedTensor.from_row_lengths(np.array([], np.int32), [0]), np.array([0]))
    scores = (query @ tf.transpose(model.encode_candidates(np.arange(NUM_ITEMS)))).numpy()[0]
    assert scores[:8].mean() > scores[8:].mean() + 1
