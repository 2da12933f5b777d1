"""Retrieval in LiteRT against the server's own, for every kind of query."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.contexts import Contexts
from recommender.interactions.ragged import Ragged
from recommender.models.linear import LinearFactors
from recommender.models.retrieval import PartWeights, RetrievalModel
from recommender.models.transitions import Transitions
from recommender.models.two_tower import TwoTowerModel
from recommender.serving.export import save
from recommender.serving.recommender import Parts, Recommender
from recommender.serving.serving import Served
from recommender.training.vectors import encode_candidates, encode_users
from schemas.settings import RetrievalSettings, ServingSettings

NUM_USERS, NUM_ITEMS, NOW = 6, 40, 90_000
SEEN = [[], [3], [5, 1, 7, 30], list(range(NUM_ITEMS - 2)), list(range(NUM_ITEMS)), [9, 8], []]


def make_model(**settings: object) -> RetrievalModel:
    """Random towers of such settings."""
    rng = np.random.default_rng(4)
    kinds = Ragged(rng.integers(0, 4, NUM_ITEMS).astype(np.int32), np.arange(NUM_ITEMS + 1))
    catalogue = Catalogue(NUM_USERS, 3, 3, 3, kinds, kinds, kinds)
    chosen = RetrievalSettings(**{"embedding_dimension": 6, **settings})
    times = np.arange(0, NOW, 900)
    towers = TwoTowerModel(catalogue, rng.integers(0, 5, NUM_ITEMS), times, chosen)
    everyone = tf.zeros([1], tf.int32)
    towers.encode_queries(everyone, tf.RaggedTensor.from_row_splits([0], np.array([0, 1])), tf.constant([0], tf.int64))
    towers.encode_candidates(everyone)
    for weight in towers.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    history = np.vstack([rng.normal(size=[NUM_ITEMS, 3]), np.zeros([1, 3])]).astype(np.float32)
    linear = LinearFactors(history, rng.normal(size=[NUM_ITEMS, 3]).astype(np.float32))
    transitions = Transitions(*(factors[:, :2] for factors in linear), decay=1.5)
    level, popularity = rng.normal(size=[2, NUM_ITEMS]).astype(np.float32)
    model = RetrievalModel(towers, linear, transitions, level, popularity)
    model.weights = PartWeights(1.0, 0.5, 0.25)
    return model


def make_parts(model: RetrievalModel) -> Parts:
    seen = Ragged(np.concatenate(SEEN).astype(np.int32), np.cumsum([0, *map(len, SEEN)]))
    contexts = Contexts(seen, seen, np.full(NUM_USERS + 1, NOW))
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    popularity = np.arange(NUM_ITEMS)[::-1]
    return Parts(
        users=[b"u%d" % user for user in range(NUM_USERS)],
        items=[b"i%d" % item for item in range(NUM_ITEMS)],
        genres=[b"drama"],
        titles=np.array([b""] * NUM_ITEMS, object),
        item_genres=nothing,
        fallback=np.log1p(popularity).astype(np.float32),
        seen=seen,
        queries=encode_users(model, contexts),
        candidates=encode_candidates(model, NUM_ITEMS),
        similar_queries=np.eye(NUM_ITEMS, dtype=np.float32),
        similar_candidates=np.eye(NUM_ITEMS, dtype=np.float32),
        encoder=model,
        history_length=4,
        now=NOW,
        rater=None,
        biases=None,
        scale=None,
    )


def asked() -> list[tuple[str, list[str], int]]:
    users = [*(f"u{user}" for user in range(NUM_USERS)), "nobody"]
    histories = [[], [""], ["nothing"], ["i1"], ["i1", "i2", "nothing", "i9", "i2", "i30", "i31", "i9"], ["i7"] * 9]
    return [(user, history, k) for user in users for history in histories for k in (1, 7, NUM_ITEMS + 3)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"history": "none", "request_time": ("bucket", "normalized", "hour", "weekday")},
    ],
)
def test_a_phone_gives_what_the_server_gives(settings: dict[str, object], tmp_path: Path) -> None:
    model = make_model(**settings)
    model.two_tower.tabulate_history_items()
    parts = make_parts(model)
    save(parts, str(tmp_path), ServingSettings())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["retrieve_on_device"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    phone = Interpreter(model_content=converter.convert()).get_signature_runner("retrieve_on_device")
    server = Served(Recommender(parts), ServingSettings())
    for user, history, k in asked():
        rows = tf.constant([history], tf.string) if history else tf.zeros([1, 0], tf.string)
        expected = {
            name: values.numpy()[0]
            for name, values in server.retrieve(tf.constant([user]), rows, k=tf.constant(k)).items()
        }
        found = phone(user_id=np.array([user]), history_item_id=np.array(history, "S9"), k=np.int32(k))
        assert found["item_id"].tolist() == expected["item_id"].tolist(), (user, history, k)
        assert found["score"] == pytest.approx(expected["score"], rel=1e-4, abs=1e-4)


def test_looking_items_up_changes_no_query() -> None:
    model = make_model()
    history = tf.RaggedTensor.from_row_splits([3, 5, NUM_ITEMS, 3], np.array([0, 3, 3, 4]))
    query = tf.constant([0, 1, NUM_USERS]), history, tf.zeros([3], tf.int64)
    encoded, placed = model.encode_queries(*query).numpy(), model.encode_candidates(tf.range(NUM_ITEMS)).numpy()
    model.two_tower.tabulate_history_items()
    assert model.encode_queries(*query).numpy() == pytest.approx(encoded, abs=1e-5)
    assert model.encode_candidates(tf.range(NUM_ITEMS)).numpy() == pytest.approx(placed)
    shapes = sorted(tuple(variable.shape) for variable in model.query_variables)
    assert shapes == [(NUM_USERS + 1, 6), (NUM_ITEMS + 1, 2), (NUM_ITEMS + 1, 3), (NUM_ITEMS + 1, 6)]
