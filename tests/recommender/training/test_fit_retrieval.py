from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import user_contexts
from recommender.interactions.hold_out import HoldOut
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.fit import CosineDecay
from recommender.models.retrieval import RetrievalModel
from recommender.training import fit_retrieval as fit_retrieval_file
from recommender.training.fit_retrieval import fit_retrieval
from recommender.training.queries import QueryBatches
from recommender.training.vectors import encode_candidates, encode_users
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
    assert model.weights.linear > 0 and model.weights.transitions == 0
    assert model.two_tower is None and model.weights.towers == 0


def test_towers_are_fitted_further_to_the_held_out_events(two_tastes: Interactions) -> None:
    """An item that only held-out events have gets a vector of its own; without them it has none."""
    new = two_tastes.item[-1]
    settings = make_settings("random", linear=False)
    side = np.where(two_tastes.item == new, 1, 0).astype(np.int8)
    vectors = {}
    for refit in (False, True):
        chosen = settings.model_copy(update={"training": settings.training.model_copy(update={"refit": refit})})
        model = fit_retrieval(HoldOut(two_tastes, side), make_catalogue(), chosen)
        vectors[refit] = encode_candidates(model, NUM_ITEMS)[:, :-1]
        assert model.popularity[new] == (np.count_nonzero(side) if refit else 0)
    assert not vectors[False][new].any() and vectors[True][new].any() and np.isfinite(vectors[True]).all()


def test_the_last_epochs_have_the_steps_of_all_events(
    two_tastes: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The held-out half of the events makes more batches, and the learning rate still falls to 0 along them."""
    periods, start = [], CosineDecay.start
    monkeypatch.setattr(CosineDecay, "start", lambda self, *period: (periods.append(period), start(self, *period)))
    batches = {}
    for part, events in (("half", two_tastes.take(np.arange(len(two_tastes)) % 2 == 0)), ("all", two_tastes)):
        batches[part] = QueryBatches(events, "scattered", 8, 500, 16, 42).num_batches
    assert batches["half"] < batches["all"]
    settings = make_settings("random", linear=False, batch_size=16)
    fit_retrieval(HoldOut(two_tastes, (np.arange(len(two_tastes)) % 2).astype(np.int8)), make_catalogue(), settings)
    assert periods == [(0.012, 4 * batches["half"], 0), (0.006, 2 * batches["all"], 4 * batches["half"])]


def test_recent_popularity_decides_by_time_where_fashion_rules(fashion: Interactions) -> None:
    model = fit(fashion, make_settings("time", history="none", user_id=False))
    of_last_month = {(4 * 9 + place) % NUM_ITEMS for place in range(6)}
    for order in (model.level, model.popularity):
        assert set(order.argsort()[::-1][:6]) == of_last_month
    assert model.weights.towers < 1


def test_new_items_have_the_level_that_their_content_predicts(fashion: Interactions) -> None:
    catalogue, new = make_catalogue(), 39
    of_genre = np.array([0, 1, 2, 3, new], np.int32)  # months 0 and 9
    genres = Ragged((of_genre[:, np.newaxis] == np.arange(NUM_ITEMS)).any(0).astype(np.int32), np.arange(NUM_ITEMS + 1))
    events = fashion.take(fashion.item != new)
    settings = make_settings("time", history="none", user_id=False)
    model = fit_retrieval(divided(events, settings), catalogue._replace(genres=genres, num_genres=2), settings)
    assert np.isfinite(model.level[new]) and model.level.min() < model.level[new] < model.level.max()


def test_transitions_count_where_the_last_item_decides_the_next() -> None:
    """Each user goes through the items in a circle, from any place on, with a different step for every other item."""
    generator = np.random.default_rng(0)
    starts, lengths = generator.integers(0, NUM_ITEMS, NUM_USERS), generator.integers(4, 9, NUM_USERS)
    follower = generator.permutation(NUM_ITEMS)
    user, item = [], []
    for one, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        for _ in range(length):
            user.append(one)
            item.append(start)
            start = follower[start]
    events = make_events(np.array(user), np.array(item), np.arange(len(item))).distinct
    model = fit(events, make_settings("last"))
    assert model.weights.transitions > 0 and model.two_tower is None
    contexts = user_contexts(events, 500, "last")
    scores = encode_users(model, contexts)[:NUM_USERS] @ encode_candidates(model, NUM_ITEMS).T
    seen = np.zeros((NUM_USERS, NUM_ITEMS), bool)
    seen[events.user, events.item] = True
    following = follower[contexts.histories.values[contexts.histories.row_splits[1 : NUM_USERS + 1] - 1]]
    unseen = ~seen[np.arange(NUM_USERS), following]
    first = np.where(seen, -np.inf, scores).argmax(axis=1)
    assert np.mean((first == following)[unseen]) > 0.7


@pytest.mark.parametrize(("method", "expected"), [("random", ("scattered", 8)), ("time", ("blocks", 4))])
def test_targets_follow_the_split(
    method: str, expected: tuple[str, int], two_tastes: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Exception):
        pass

    def refuse(users: object, kind: str, parts: int, *rest: object) -> QueryBatches:
        raise Asked(kind, parts)

    monkeypatch.setattr(fit_retrieval_file, "QueryBatches", refuse)
    with pytest.raises(Asked) as asked:
        fit(two_tastes, make_settings(method, linear=False))
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
