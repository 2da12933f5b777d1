"""A recommender of known vectors against a brute-force oracle in numpy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.saved_model import loader_impl

from recommender.serving.export import save
from recommender.serving.recommender import Parts, Recommender
from recommender.serving.serving import Served
from schemas.settings import ServingSettings
from small_recommender import NUM_ITEMS, NUM_USERS, make_parts


@pytest.fixture(scope="module")
def parts() -> Parts:
    return make_parts()


def serve(parts: Parts) -> Served:
    return Served(Recommender(parts), ServingSettings(k=2, n_candidates=4, rating_weight=0.5))


@pytest.fixture(scope="module")
def served(parts: Parts) -> Served:
    return serve(parts)


def seen_by(parts: Parts, user: int) -> set[int]:
    return set(parts.seen.values[parts.seen.row_splits[user] : parts.seen.row_splits[user + 1]].tolist())


def scores_of(parts: Parts, user: int) -> np.ndarray:
    if user == NUM_USERS:
        return parts.fallback
    return parts.candidates @ parts.queries[user]


def oracle_rating(parts: Parts, user: int, item: int) -> float:
    return float(np.clip(parts.rater.ratings.numpy()[user, item], 1.0, 5.0))


ALL_PAIRS = [(user, item) for user in range(NUM_USERS + 1) for item in range(NUM_ITEMS + 1)]


@pytest.mark.parametrize("value", [np.nan, 2e38], ids=["not numbers", "products overflow"])
def test_scores_that_are_not_finite_never_look_good(parts: Parts, value: float) -> None:
    candidates = parts.candidates.copy()
    candidates[[2, 5]] = value
    broken = serve(parts._replace(candidates=candidates, queries=np.ones_like(parts.queries)))
    recommended = broken.recommend(tf.constant(["u0"]), k=NUM_ITEMS)["item_id"].numpy()[0]
    assert {b"i2", b"i5"}.isdisjoint(recommended.tolist())


def ids_of(row: np.ndarray) -> list[int]:
    """Indices of the items in a row, without the padding."""
    return [int(id_[1:]) for id_ in row if id_]


def best(scores: np.ndarray, allowed: set[int], k: int) -> list[int]:
    return sorted(allowed, key=lambda item: -scores[item])[:k]


@pytest.mark.parametrize("k", [1, 5, NUM_ITEMS, NUM_ITEMS + 4])
def test_retrieves_the_best_unseen_items_and_pads(parts: Parts, served: Served, k: int) -> None:
    users = list(range(NUM_USERS + 1))
    result = served.retrieve(tf.constant([f"u{user}" for user in users]), k=k)
    columns = {name: values.numpy() for name, values in result.items()}
    assert columns["is_known"].tolist() == [True] * NUM_USERS + [False]
    assert all(columns[name].shape == (len(users), k) for name in ("item_id", "title", "score"))
    for user in users:
        scores, seen = scores_of(parts, user), seen_by(parts, user)
        expected = best(scores, set(range(NUM_ITEMS)) - seen, k)
        found = ids_of(columns["item_id"][user])
        assert len(found) == len(expected) and seen.isdisjoint(found)
        assert columns["score"][user][: len(found)].tolist() == scores[expected].tolist()
        assert scores[found].tolist() == scores[expected].tolist()
        assert columns["title"][user].tolist()[: len(found)] == [b"Title %d" % item for item in found]
        for name, padding in (("item_id", b""), ("title", b""), ("score", 0.0)):
            assert set(columns[name][user][len(found) :].tolist()) <= {padding}


def test_ranking_orders_what_retrieval_proposes(parts: Parts, served: Served) -> None:
    # Without ties, so that there is one right order.
    queries = np.random.default_rng(3).normal(size=parts.queries.shape).astype(np.float32)
    distinct = serve(parts._replace(queries=queries))
    scores = parts.candidates @ queries[1]
    ratings = np.array([oracle_rating(parts, 1, item) for item in range(NUM_ITEMS)])
    left = set(range(NUM_ITEMS)) - seen_by(parts, 1)
    for asked, n_candidates, weight in (
        ({}, 4, 0.5),
        ({"rating_weight": 0.0}, 4, 0.0),
        ({"rating_weight": 100.0, "n_candidates": 7}, 7, 100.0),
        ({"n_candidates": 0}, 2, 0.5),
    ):
        result = distinct.recommend(tf.constant(["u1"]), **asked)
        total = scores + weight * ratings
        expected = best(total, set(best(scores, left, n_candidates)), 2)
        assert ids_of(result["item_id"].numpy()[0]) == expected
        assert result["score"].numpy()[0] == pytest.approx(total[expected], abs=1e-4)
        assert result["retrieval_score"].numpy()[0] == pytest.approx(scores[expected], abs=1e-5)
        assert result["rating"].numpy()[0] == pytest.approx(ratings[expected], abs=1e-5)


@pytest.mark.parametrize("k", [0, -3])
def test_no_recommendations_for_no_k(served: Served, k: int) -> None:
    for result in (
        served.recommend(tf.constant(["u0", "nobody"]), k=k),
        served.similar_items(tf.constant(["i1"]), k=k),
    ):
        assert result["item_id"].shape[1] == result["score"].shape[1] == 0


def test_empty_batches(served: Served) -> None:
    nobody = tf.constant([], tf.string)
    assert served.recommend(nobody)["item_id"].shape == (0, 2)
    assert served.retrieve(nobody, tf.zeros([0, 3], tf.string))["score"].shape == (0, 2)
    assert served.similar_items(nobody, k=3)["item_id"].shape == (0, 3)
    assert served.embed_users(nobody)["embedding"].shape == (0, 3)
    assert served.embed_items(nobody)["embedding"].shape == (0, 3)
    assert served.rate(nobody, nobody)["rating"].shape == (0,)


def test_seen_items_come_if_asked_for_and_excluded_ones_never(parts: Parts, served: Served) -> None:
    users = tf.constant(["u3", "u4"])
    exclude = tf.constant([["i0", "i1", "nothing"], ["i2", "", ""]])
    assert ids_of(served.retrieve(users, exclude=exclude, k=NUM_ITEMS)["item_id"].numpy()[1]) == []
    again = served.retrieve(users, exclude=exclude, k=NUM_ITEMS, include_seen=True)["item_id"].numpy()
    assert set(ids_of(again[0])) == set(range(NUM_ITEMS)) - {0, 1}
    assert set(ids_of(again[1])) == set(range(NUM_ITEMS)) - {2}
    history = tf.constant([["i5"], ["i6"]])
    brought = served.retrieve(users, history, k=NUM_ITEMS, include_seen=True)["item_id"].numpy()
    assert all(set(ids_of(row)) == set(range(NUM_ITEMS)) for row in brought)


def test_rules_hold_for_all_rows(parts: Parts, served: Served) -> None:
    def shown(**rules: list[str]) -> set[int]:
        rules = {name: tf.constant(values, tf.string) for name, values in rules.items()}
        columns = served.retrieve(tf.constant(["u0"]), k=NUM_ITEMS, **rules)["item_id"].numpy()
        alike = served.similar_items(tf.constant(["i0"]), k=NUM_ITEMS, **rules)["item_id"].numpy()
        assert set(ids_of(alike[0])) == set(ids_of(columns[0])) - {0}
        return set(ids_of(columns[0]))

    everything = set(range(NUM_ITEMS))
    assert shown() == shown(allow=[], deny=[], genre=[]) == everything
    assert shown(allow=["i3", "i4", "nothing", "i4"]) == {3, 4}
    assert shown(allow=["nothing"]) == shown(genre=["jazz"]) == set()
    assert shown(genre=[""]) == shown(allow=["", ""]) == shown(deny=[""]) == everything
    assert shown(allow=["", "i3"]) == {3}
    assert shown(deny=["i3", "nothing"]) == everything - {3}
    assert shown(genre=["crime"]) == {item for item in everything if item % 3 == 1}
    assert shown(genre=["crime", "war", "jazz"]) == {item for item in everything if item % 3}
    assert shown(allow=["i1", "i2", "i4"], deny=["i4"], genre=["crime"]) == {1}


def test_the_most_similar_items_come_first_and_never_the_item_itself(parts: Parts, served: Served) -> None:
    result = served.similar_items(
        tf.constant(["i3", "nothing", "i8"]), exclude=tf.constant([["i1"], ["i1"], [""]]), k=4
    )
    assert result["is_known"].numpy().tolist() == [True, False, True]
    scores = parts.similar_queries @ parts.similar_candidates.T
    for row, item, excluded in ((0, 3, {1}), (2, 8, set())):
        expected = best(scores[item], set(range(NUM_ITEMS)) - {item} - excluded, 4)
        assert ids_of(result["item_id"].numpy()[row]) == expected
        assert result["score"].numpy()[row] == pytest.approx(scores[item][expected], rel=1e-5)
    assert result["item_id"].numpy()[1].tolist() == [b""] * 4 and not result["score"].numpy()[1].any()


def test_ratings_stay_in_the_scale_and_fall_back_to_known_biases(parts: Parts, served: Served) -> None:
    pairs = [(user, item) for user in (0, 3, NUM_USERS) for item in (1, 8, NUM_ITEMS)]
    users, items = [f"u{user}" for user, _ in pairs], [f"i{item}" for _, item in pairs]
    ratings = served.rate(tf.constant(users), tf.constant(items))["rating"].numpy()
    assert ratings == pytest.approx([oracle_rating(parts, *pair) for pair in pairs], abs=1e-5)
    assert ratings.min() >= 1.0 and ratings.max() <= 5.0


def test_a_history_stands_for_what_training_knows(parts: Parts, served: Served) -> None:
    users = tf.constant(["nobody", "nobody", "u2", "u1"])
    histories = [["i3", "nothing", "i7", ""], ["", "nowhere", "", ""], ["i5", "i5", "i5", "i9"], [""] * 4]
    times = [0, 0, 2, 2]
    result = served.retrieve(users, tf.constant(histories), tf.constant(times, tf.int64), k=4)
    assert result["unknown_history"].numpy().tolist() == [1, 1, 0, 0]
    rows = zip((NUM_USERS, NUM_USERS, 2, 1), ([3, 7], [], [5, 9], []), times, strict=True)
    for row, (user, owned, time) in enumerate(rows):
        scores = parts.candidates @ (parts.candidates[owned].mean(axis=0) + time) if owned else scores_of(parts, user)
        expected = best(scores, set(range(NUM_ITEMS)) - set(owned) - seen_by(parts, user), 4)
        found = ids_of(result["item_id"].numpy()[row])
        assert set(owned).isdisjoint(found)
        assert scores[found] == pytest.approx(scores[expected], abs=1e-5)
        assert result["score"].numpy()[row] == pytest.approx(scores[expected], abs=1e-5)
    no_history = served.retrieve(users[:2], tf.zeros([2, 0], tf.string), k=1)
    assert no_history["score"].numpy().tolist() == [[parts.fallback.max()]] * 2


def test_a_history_counts_each_item_once_where_it_was_last_and_ends_where_training_s_do(
    parts: Parts, served: Served
) -> None:
    user = tf.constant(["nobody"])
    vectors = [
        served.embed_users(user, tf.constant([history.split()]))["embedding"].numpy()[0]
        for history in ("i1 i9 i2 i9 i3", "i2 i9 i3", "i1 i1 i2 i9 i3", "i1 i2 i3")
    ]
    assert vectors[0].tolist() == vectors[1].tolist() == vectors[2].tolist() != vectors[3].tolist()
    # Without a time, that of the training events' end.
    assert vectors[1] == pytest.approx(parts.candidates[[2, 9, 3]].mean(axis=0) - 1, abs=1e-6)


def test_embeddings_give_the_scores(parts: Parts, served: Served) -> None:
    users = served.embed_users(tf.constant(["u1", "nobody"]))
    assert users["embedding"].numpy().tolist() == parts.queries[[1, NUM_USERS]].tolist()
    assert users["is_known"].numpy().tolist() == [True, False]
    items = served.embed_items(tf.constant(["i4", "nothing"]))
    assert items["embedding"].numpy().tolist() == [parts.candidates[4].tolist(), [0.0, 0.0, 0.0]]
    assert items["is_known"].numpy().tolist() == [True, False]


def test_users_and_items_are_listed_in_ranges(parts: Parts, served: Served) -> None:
    users = served.list_users()
    assert users["user_id"].numpy().tolist() == parts.users
    assert users["num_users"].numpy() == NUM_USERS
    assert served.list_users(begin=1, end=3)["user_id"].numpy().tolist() == [b"u1", b"u2"]
    assert served.list_users(begin=NUM_USERS, end=9)["user_id"].numpy().tolist() == []
    items = served.list_items(begin=21)
    assert items["item_id"].numpy().tolist() == [b"i21", b"i22"]
    assert items["title"].numpy().tolist() == [b"Title 21", b"Title 22"]
    assert items["num_items"].numpy() == NUM_ITEMS


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("history_item_id", {"history_item_id": tf.constant([["i1"]])}),
        ("exclude", {"exclude": tf.constant([["i1"]] * 3)}),
        ("timestamp", {"timestamp": tf.constant([4], tf.int64)}),
    ],
)
def test_another_number_of_rows_than_the_batch_is_refused(served: Served, name: str, asked: dict) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"`{name}` must have one row for each row of the batch"):
        served.recommend(tf.constant(["u0", "u1"]), **asked)


FRESH_PROCESS = """
import sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
assert not any(name.startswith("tensorflow_recommenders") for name in sys.modules)
users = tf.constant(["u0", "u2", "nobody"])
inputs = {
    "user_id": users,
    "history_item_id": tf.constant([], tf.string, [0, 0]),
    "timestamp": tf.constant([], tf.int64),
    "k": tf.constant(4),
    "exclude": tf.constant([], tf.string, [0, 0]),
    **{name: tf.constant([], tf.string) for name in ("allow", "deny", "genre")},
    "include_seen": tf.constant(False),
    "n_candidates": tf.constant(4),
    "rating_weight": tf.constant(0.5),
    "recent_item_id": tf.constant([], tf.string, [0, 0]),
    "recent_rating": tf.zeros([0, 0]),
    "recent_timestamp": tf.zeros([0, 0], tf.int64),
}
for recommend in (model.signatures["serving_default"], model.signatures["recommend"], model.recommend):
    result = recommend(**inputs)
    print(result["item_id"].numpy().tolist(), result["score"].numpy().tolist())
result = model.recommend(users, k=4)
print(result["item_id"].numpy().tolist(), result["score"].numpy().tolist())
items = tf.constant(["i1", "i2", "i3"])
print(model.rate(users, items)["rating"].numpy().tolist())
rated = {name: value for name, value in inputs.items() if name == "timestamp" or name.startswith("recent_")}
print(model.signatures["rate"](**rated, user_id=users, item_id=items)["rating"].numpy().tolist())
"""


@pytest.fixture(scope="module")
def saved(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_model")
    save(parts, str(folder), ServingSettings(k=2, n_candidates=4, rating_weight=0.5))
    return folder


def test_every_signature_and_its_defaults_are_saved(saved: Path) -> None:
    definitions = loader_impl.parse_saved_model(str(saved)).meta_graphs[0].signature_def
    defaults = {name: set(definition.defaults) for name, definition in definitions.items() if name[0] != "_"}
    optional = {"history_item_id", "timestamp", "k", "exclude", "allow", "deny", "genre", "include_seen"}
    stages, recent = {"n_candidates", "rating_weight"}, {"recent_item_id", "recent_rating", "recent_timestamp"}
    assert defaults == {
        "serving_default": optional | stages | recent,
        "recommend": optional | stages | recent,
        "retrieve": optional,
        "retrieve_on_device": {"history_item_id", "k"},
        "similar_items": {"k", "exclude", "allow", "deny", "genre"},
        "embed_users": {"history_item_id", "timestamp"},
        "rate": {"timestamp"} | recent,
        **{"embed_items": set(), "rate_on_device": set()},
        **{"list_users": {"begin", "end"}, "list_items": {"begin", "end"}},
    }
    assert all(
        set(definition.inputs) - defaults[name] <= {"user_id", "item_id"}
        for name, definition in definitions.items()
        if name in defaults
    )


def test_a_fresh_process_with_tensorflow_alone_gives_the_same(saved: Path, served: Served) -> None:
    command = [sys.executable, "-c", FRESH_PROCESS, str(saved)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    users = tf.constant(["u0", "u2", "nobody"])
    here = served.recommend(users, k=4)
    expected = f"{here['item_id'].numpy().tolist()} {here['score'].numpy().tolist()}"
    rated = served.rate(users, tf.constant(["i1", "i2", "i3"]))["rating"].numpy().tolist()
    assert printed == [*[expected] * 4, *[str(rated)] * 2]


def test_rate_on_device_converts_to_builtin_operators_of_tflite(parts: Parts, saved: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=["rate_on_device"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    rate = Interpreter(model_content=converter.convert()).get_signature_runner("rate_on_device")
    users, items = [f"u{user}" for user, _ in ALL_PAIRS], [f"i{item}" for _, item in ALL_PAIRS]
    ratings = rate(user_id=np.array(users), item_id=np.array(items))["rating"]
    assert ratings == pytest.approx([oracle_rating(parts, *pair) for pair in ALL_PAIRS], abs=1e-4)


def test_what_cannot_be_answered_is_refused_with_what_is_allowed(served: Served) -> None:
    user = tf.constant(["u1"])
    most = NUM_ITEMS + 10_000
    assert served.recommend(user, k=tf.constant(most))["item_id"].shape == (1, most)
    for signature in (served.recommend, served.retrieve):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`k` must be at most {most}"):
            signature(user, k=tf.constant(most + 1))
    for weight in (np.nan, np.inf, -np.inf, 1.1e6):
        with pytest.raises(tf.errors.InvalidArgumentError, match="`rating_weight` must be a number between -1e"):
            served.recommend(user, rating_weight=tf.constant(weight, tf.float32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`user_id` and `item_id` must have the same length"):
        served.rate(tf.constant(["u1", "u2"]), tf.constant(["i1"]))


@pytest.mark.parametrize("weight", [0.0, -1.0, 1e6])
def test_the_weight_of_ratings_makes_the_order(parts: Parts, served: Served, weight: float) -> None:
    columns = served.recommend(tf.constant(["u1"]), k=4, n_candidates=NUM_ITEMS, rating_weight=tf.constant(weight))
    left = [item for item in range(NUM_ITEMS) if item not in seen_by(parts, 1)]
    scores = {item: scores_of(parts, 1)[item] + weight * oracle_rating(parts, 1, item) for item in left}
    best = sorted(scores.values(), reverse=True)[:4]
    assert columns["score"].numpy()[0] == pytest.approx(best, rel=1e-5)


def test_ranges_stay_within_what_there_is(served: Served) -> None:
    for listed, key, size in ((served.list_users, "user_id", NUM_USERS), (served.list_items, "item_id", NUM_ITEMS)):
        ids = listed()[key].numpy().tolist()
        assert len(ids) == size
        assert listed(tf.constant(-3), tf.constant(2))[key].numpy().tolist() == ids[:2]
        assert listed(tf.constant(1), tf.constant(size + 9))[key].numpy().tolist() == ids[1:]
        assert listed(tf.constant(0), tf.constant(-1))[key].numpy().tolist() == []


def test_without_ratings_the_order_is_that_of_retrieval_and_nothing_predicts_ratings(
    parts: Parts, served: Served
) -> None:
    bare = serve(parts._replace(rater=None, biases=None, scale=None, now=None))
    assert set(served.signatures()) - set(bare.signatures()) == {"rate", "rate_on_device"}
    assert not hasattr(bare, "rate")
    users = tf.constant(["u1", "u4", "nobody"])
    found, retrieved = bare.recommend(users, k=5, n_candidates=1, rating_weight=np.inf), served.retrieve(users, k=5)
    assert set(found) == set(retrieved) | {"retrieval_score"}
    for name, column in retrieved.items():
        np.testing.assert_array_equal(found[name], column)
    np.testing.assert_array_equal(found["retrieval_score"], found["score"])
