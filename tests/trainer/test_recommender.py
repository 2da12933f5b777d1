"""A recommender of known vectors against a brute-force oracle in numpy."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.models.biases import Biases
from components.models.inputs import Ragged
from components.trainer import recommender as module
from components.trainer.export import save
from components.trainer.recommender import Parts, Recommender

NUM_USERS, NUM_ITEMS = 5, 23


class Encoder:
    """The mean of the history's items' vectors, moved by the time."""

    def __init__(self, vectors: np.ndarray):
        self._vectors = tf.Variable(np.vstack([vectors, np.zeros_like(vectors[:1])]))
        self.query_variables = [self._vectors]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        means = tf.reduce_mean(tf.gather(self._vectors, history), axis=1)
        return means + tf.cast(timestamps, tf.float32)[:, tf.newaxis]


class Rater(tf.Module):
    """A table of ratings, which rise by 1 if a time is given."""

    def __init__(self, ratings: np.ndarray):
        self.ratings = tf.Variable(ratings)

    def rate(self, users: tf.Tensor, items: tf.Tensor, timestamps: tf.Tensor | None = None) -> tf.Tensor:
        rated = tf.gather(tf.reshape(self.ratings, [-1]), users * (NUM_ITEMS + 1) + items)
        return rated if timestamps is None else rated + 1.0


def make_parts() -> Parts:
    rng = np.random.default_rng(7)
    seen = [sorted(rng.choice(NUM_ITEMS, size, replace=False)) for size in (0, 3, 9, NUM_ITEMS - 2, NUM_ITEMS)] + [[]]
    splits = np.concatenate([[0], np.cumsum([len(row) for row in seen])])

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    # Whole numbers, so that the vectors give ties.
    queries = rng.integers(-1, 2, [NUM_USERS + 1, 3]).astype(np.float32)
    candidates = rng.integers(-1, 2, [NUM_ITEMS, 3]).astype(np.float32)
    ratings = rng.normal(3.5, 2.0, [NUM_USERS + 1, NUM_ITEMS + 1]).astype(np.float32)
    biases = Biases(3.4, np.append(draw(NUM_USERS), np.float32(0)), np.append(draw(NUM_ITEMS), np.float32(0)))
    return Parts(
        [b"u%d" % user for user in range(NUM_USERS)],
        [b"i%d" % item for item in range(NUM_ITEMS)],
        np.array([b"Title %d" % item for item in range(NUM_ITEMS)], object),
        rng.integers(0, 6, NUM_ITEMS),
        rng.integers(0, 6, NUM_ITEMS).astype(np.float32) / 2,
        Ragged(np.concatenate(seen).astype(np.int32), splits),
        queries,
        candidates,
        Encoder(candidates),
        Rater(ratings),
        biases,
        (1.0, 5.0),
    )


@pytest.fixture(scope="module")
def parts() -> Parts:
    return make_parts()


@pytest.fixture(scope="module")
def recommender(parts: Parts) -> Recommender:
    return Recommender(parts)


def seen_by(parts: Parts, user: int) -> set[int]:
    return set(parts.seen.values[parts.seen.row_splits[user] : parts.seen.row_splits[user + 1]].tolist())


def scores_of(parts: Parts, user: int) -> np.ndarray:
    if user == NUM_USERS:
        return parts.fallback
    return parts.candidates @ parts.queries[user]


def oracle_rank(scores: np.ndarray, seen: set[int], own: int) -> float:
    if own == NUM_ITEMS:
        return np.inf
    others = [scores[item] for item in range(NUM_ITEMS) if item != own and item not in seen]
    if np.isnan(scores[own]):
        return 1.0 + len(others)
    higher = sum(score > scores[own] or np.isnan(score) for score in others)
    return 1.0 + higher + sum(score == scores[own] for score in others) / 2


def oracle_rating(parts: Parts, user: int, item: int, is_timed: bool = False) -> float:
    return float(np.clip(parts.rater.ratings.numpy()[user, item] + is_timed, 1.0, 5.0))


def examples(pairs: list[tuple[int, int]]) -> tf.Tensor:
    def feature(text: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))

    return tf.constant(
        [
            tf.train.Example(
                features=tf.train.Features(
                    feature={
                        "user_id": feature(b"u%d" % user),
                        "item_id": feature(b"i%d" % item),
                        "timestamp": tf.train.Feature(int64_list=tf.train.Int64List(value=[7])),
                    }
                )
            ).SerializeToString()
            for user, item in pairs
        ],
        tf.string,
    )


ALL_PAIRS = [(user, item) for user in range(NUM_USERS + 1) for item in range(NUM_ITEMS + 1)]


@pytest.mark.parametrize("items_at_once", [4, 23, 4096])
def test_ranks_are_those_of_brute_force_whatever_the_block(
    parts: Parts, items_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ITEMS_AT_ONCE", items_at_once)
    recommender = Recommender(parts)
    ranks = {name: values.numpy() for name, values in recommender.evaluate(examples(ALL_PAIRS)).items()}
    for row, (user, item) in enumerate(ALL_PAIRS):
        seen = seen_by(parts, user)
        assert ranks["rank"][row, 0] == oracle_rank(scores_of(parts, user), seen, item), (user, item)
        popularity = parts.popularity.astype(np.float32)
        assert ranks["popularity_rank"][row, 0] == oracle_rank(popularity, seen, item), (user, item)
        assert ranks["rating"][row, 0] == pytest.approx(oracle_rating(parts, user, item, is_timed=True), abs=1e-5)
        biases = np.clip(parts.biases.predict(user, item), *parts.scale)
        assert ranks["bias_rating"][row, 0] == pytest.approx(biases, abs=1e-5)


def test_scores_that_are_not_numbers_never_look_good(parts: Parts) -> None:
    candidates = parts.candidates.copy()
    candidates[[2, 5]] = np.nan
    broken = Recommender(parts._replace(candidates=candidates))
    ranks = broken.evaluate(examples([(0, item) for item in range(NUM_ITEMS)]))["rank"].numpy()[:, 0]
    scores = candidates @ parts.queries[0]
    assert ranks.tolist() == [oracle_rank(scores, set(), item) for item in range(NUM_ITEMS)]
    assert ranks[2] == ranks[5] == NUM_ITEMS
    assert ranks.min() >= 3.0
    recommended = broken.recommend(tf.constant(["u0"]), NUM_ITEMS)["item_id"].numpy()[0]
    assert {b"i2", b"i5"}.isdisjoint(recommended.tolist())


def test_constant_scores_rank_in_the_middle(parts: Parts) -> None:
    flat = Recommender(parts._replace(queries=np.zeros_like(parts.queries)))
    rank = flat.evaluate(examples([(0, 4)]))["rank"].numpy()[0, 0]
    assert rank == 1 + (NUM_ITEMS - 1) / 2


@pytest.mark.parametrize("k", [1, 5, NUM_ITEMS, NUM_ITEMS + 4])
def test_recommends_the_best_unseen_items_and_pads(parts: Parts, recommender: Recommender, k: int) -> None:
    users = list(range(NUM_USERS + 1))
    result = recommender.recommend(tf.constant([f"u{user}" for user in users]), k)
    columns = {name: values.numpy() for name, values in result.items()}
    assert all(column.shape == (len(users), k) for column in columns.values())
    for user in users:
        scores, seen = scores_of(parts, user), seen_by(parts, user)
        expected = sorted(set(range(NUM_ITEMS)) - seen, key=lambda item: -scores[item])[:k]
        ids = columns["item_id"][user]
        found = [int(id_[1:]) for id_ in ids if id_]
        assert len(found) == len(expected) and seen.isdisjoint(found)
        assert columns["score"][user][: len(found)].tolist() == scores[expected].tolist()
        assert scores[found].tolist() == scores[expected].tolist()
        assert columns["title"][user].tolist()[: len(found)] == [b"Title %d" % item for item in found]
        ratings = [oracle_rating(parts, user, item) for item in found]
        assert columns["rating"][user][: len(found)] == pytest.approx(ratings, abs=1e-5)
        for name, padding in (("item_id", b""), ("title", b""), ("score", 0.0), ("rating", 0.0)):
            assert set(columns[name][user][len(found) :].tolist()) <= {padding}


@pytest.mark.parametrize("k", [0, -3])
def test_no_recommendations_for_no_k(recommender: Recommender, k: int) -> None:
    result = recommender.recommend(tf.constant(["u0", "nobody"]), k)
    assert {tuple(column.shape) for column in result.values()} == {(2, 0)}


def test_empty_batches(recommender: Recommender) -> None:
    nobody = tf.constant([], tf.string)
    assert {tuple(column.shape) for column in recommender.recommend(nobody, 3).values()} == {(0, 3)}
    assert recommender.rate(nobody, nobody)["rating"].shape == (0,)
    assert {tuple(column.shape) for column in recommender.evaluate(nobody).values()} == {(0, 1)}


def test_ratings_stay_in_the_scale_and_fall_back_to_known_biases(parts: Parts, recommender: Recommender) -> None:
    pairs = [(user, item) for user in (0, 3, NUM_USERS) for item in (1, 8, NUM_ITEMS)]
    users, items = [f"u{user}" for user, _ in pairs], [f"i{item}" for _, item in pairs]
    ratings = recommender.rate(tf.constant(users), tf.constant(items))["rating"].numpy()
    assert ratings == pytest.approx([oracle_rating(parts, *pair) for pair in pairs], abs=1e-5)
    assert ratings.min() >= 1.0 and ratings.max() <= 5.0


def test_a_history_stands_for_a_user_who_is_not_known(parts: Parts, recommender: Recommender) -> None:
    histories = [["i3", "nothing", "i7", ""], ["", "nowhere", "", ""], ["i5", "i5", "i5", "i9"]]
    times = [0, 0, 2]
    result = recommender.recommend_from_history(tf.constant(histories), tf.constant(times, tf.int64), 4)
    for row, (owned, time) in enumerate(zip(([3, 7], [], [5, 5, 5, 9]), times, strict=True)):
        query = parts.candidates[owned].mean(axis=0) + time if owned else None
        scores = parts.fallback if query is None else parts.candidates @ query
        left = sorted(set(range(NUM_ITEMS)) - set(owned), key=lambda item: -scores[item])[:4]
        found = [int(id_[1:]) for id_ in result["item_id"].numpy()[row]]
        assert set(owned).isdisjoint(found)
        assert scores[found] == pytest.approx(scores[left], abs=1e-5)
        assert result["score"].numpy()[row] == pytest.approx(scores[left], abs=1e-5)
        ratings = [oracle_rating(parts, NUM_USERS, item) for item in found]
        assert result["rating"].numpy()[row] == pytest.approx(ratings, abs=1e-5)
    nobody = recommender.recommend_from_history(tf.zeros([0, 3], tf.string), tf.zeros([0], tf.int64), 4)
    assert {tuple(column.shape) for column in nobody.values()} == {(0, 4)}
    no_history = recommender.recommend_from_history(tf.zeros([2, 0], tf.string), tf.zeros([2], tf.int64), 1)
    assert no_history["score"].numpy().tolist() == [[parts.fallback.max()]] * 2


FRESH_PROCESS = """
import sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
assert not any(name.startswith("tensorflow_recommenders") for name in sys.modules)
assert set(model.signatures) == {"serving_default", "recommend", "recommend_from_history", "rate", "evaluate"}
users = tf.constant(["u0", "u2", "nobody"])
for signature in ("serving_default", "recommend"):
    result = model.signatures[signature](user_id=users, k=tf.constant(4))
    print(result["item_id"].numpy().tolist(), result["score"].numpy().tolist())
print(model.signatures["rate"](user_id=users, item_id=tf.constant(["i1", "i2", "i3"]))["rating"].numpy().tolist())
"""


@pytest.fixture(scope="module")
def saved(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_model")
    save(parts, str(folder))
    return folder


def test_a_fresh_process_with_tensorflow_alone_gives_the_same(saved: Path, recommender: Recommender) -> None:
    command = [sys.executable, "-c", FRESH_PROCESS, str(saved)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    users = tf.constant(["u0", "u2", "nobody"])
    here = recommender.recommend(users, 4)
    expected = f"{here['item_id'].numpy().tolist()} {here['score'].numpy().tolist()}"
    rated = recommender.rate(users, tf.constant(["i1", "i2", "i3"]))["rating"].numpy().tolist()
    assert printed == [expected, expected, str(rated)]


def test_rate_converts_to_builtin_operators_of_tflite(parts: Parts, saved: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=["rate"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    rate = Interpreter(model_content=converter.convert()).get_signature_runner("rate")
    users, items = [f"u{user}" for user, _ in ALL_PAIRS], [f"i{item}" for _, item in ALL_PAIRS]
    ratings = rate(user_id=np.array(users), item_id=np.array(items))["rating"]
    assert ratings == pytest.approx([oracle_rating(parts, *pair) for pair in ALL_PAIRS], abs=1e-4)
