import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.two_tower import TwoTowerModel
from schemas.settings import RetrievalSettings

NUM_USERS, NUM_ITEMS = 3, 4
POPULARITY = np.array([6, 3, 1, 0])
TIMES = np.array([0, 50_000, 100_000, 400_000])
BATCH = {
    "user_index": tf.constant([0, 1]),
    "timestamp": tf.constant([60_000, 120_000], tf.int64),
    "history_index": tf.ragged.constant([[1, 2], []], dtype=tf.int32, row_splits_dtype=tf.int64),
    "item_index": tf.ragged.constant([[0], [0, 1]], dtype=tf.int32, row_splits_dtype=tf.int64),
}
WITHOUT_CHANCE = {"dropout": 0.0, "history_dropout": 0.0, "id_dropout": 0.0, "weight_decay": 0.0}


def make_catalogue(num_users: int, num_items: int, kinds: np.ndarray) -> Catalogue:
    rows = Ragged(kinds.astype(np.int32), np.arange(num_items + 1))
    return Catalogue(num_users, 2, 2, 2, rows, rows, rows)


def make_model(**settings: object) -> TwoTowerModel:
    catalogue = make_catalogue(NUM_USERS, NUM_ITEMS, np.array([0, 1, 0, 1]))
    chosen = RetrievalSettings(**{**WITHOUT_CHANCE, "embedding_dimension": 5, **settings})
    tf.keras.utils.set_random_seed(3)
    model = TwoTowerModel(catalogue, POPULARITY, TIMES, chosen)
    model.compute_loss(BATCH)
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def test_full_softmax_by_hand() -> None:
    model = make_model()
    queries = model.encode_queries(BATCH["user_index"], BATCH["history_index"], BATCH["timestamp"]).numpy()
    logits = queries @ model.encode_candidates(tf.range(NUM_ITEMS)).numpy().T
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -(log_softmax[0, 0] + log_softmax[1, 0] + log_softmax[1, 1]) / 3
    assert float(model.compute_loss(BATCH)) == pytest.approx(expected, rel=1e-5)


def test_sampled_softmax_by_hand() -> None:
    """Without a draw, the candidates are the batch's items 0 and 1, raised by how rarely batches hold them."""
    model = make_model(full_softmax_items=0, uniform_negatives=0)
    queries = model.encode_queries(BATCH["user_index"], BATCH["history_index"], BATCH["timestamp"]).numpy()
    inclusion = 1 - (1 - np.array([0.6, 0.3])) ** 3
    raised = np.exp(queries @ model.encode_candidates(tf.range(2)).numpy().T) / inclusion
    probability = raised / raised.sum(axis=1, keepdims=True)
    expected = -np.log([probability[0, 0], probability[1, 0], probability[1, 1]]).mean()
    assert float(model.compute_loss(BATCH)) == pytest.approx(expected, rel=1e-5)


def test_weight_decay_adds_the_squares_of_all_but_the_biases() -> None:
    plain, decayed = make_model(), make_model(weight_decay=0.01)
    squares = sum(np.square(weight.numpy()).sum() for weight in plain.trainable_weights if "bias" not in weight.name)
    expected = float(plain.compute_loss(BATCH)) + 0.01 * squares
    assert float(decayed.compute_loss(BATCH)) == pytest.approx(expected, rel=1e-5)


def test_an_item_without_events_has_its_content_and_the_median_bias() -> None:
    model = make_model()
    model.forget_unfitted(np.array([0, 2]))
    vectors = model.encode_candidates(tf.range(NUM_ITEMS)).numpy()
    weights = {weight.name.split("/")[-1]: weight.numpy() for weight in model._items.weights}
    content = sum(weights[f"{kind}_embeddings:0"][1] for kind in ("genre", "title_word", "release_period"))
    assert vectors[3, :-1] == pytest.approx(content, abs=1e-5)
    assert vectors[3, -1] == pytest.approx(np.median(vectors[:3, -1]))


def test_id_dropout_leaves_out_the_items_own_vector_in_training_only() -> None:
    model = make_model(id_dropout=0.5)
    bias, own = model._item_bias.numpy()[0], model._items.weights[0].numpy()[0]
    full = model.encode_candidates(tf.constant([0])).numpy()[0]
    vectors = model.encode_candidates(tf.zeros([1_000], tf.int32), training=True).numpy()
    is_full = np.isclose(vectors[:, 0], full[0])
    assert 400 < is_full.sum() < 600
    assert vectors[~is_full][:, :-1] == pytest.approx(np.tile(full[:-1] - own, [(~is_full).sum(), 1]), abs=1e-5)
    assert vectors[:, -1] == pytest.approx(bias)


def test_users_that_were_never_fitted_get_the_unknown_ones_vector() -> None:
    model = make_model()
    model.forget_unfitted(np.array([0, 2]))
    nothing = tf.RaggedTensor.from_row_splits(tf.constant([], tf.int32), tf.zeros(5, tf.int64))
    fitted, unfitted, other, unknown = model.encode_queries(tf.range(4), nothing, tf.zeros(4, tf.int64)).numpy()
    assert unfitted == pytest.approx(unknown)
    assert fitted != pytest.approx(unknown) and other != pytest.approx(unknown)


VARIANTS = {
    "default": {},
    "history only": {"user_id": False},
    "user only": {"history": "none"},
    "sampled": {"full_softmax_items": 0, "uniform_negatives": 8},
    "in-batch": {"full_softmax_items": 0, "uniform_negatives": 0},
    "request time": {"request_time": ("bucket", "normalized", "hour", "weekday")},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_checkerboard(variant: str) -> None:
    """Users and items of equal parity belong together; of each user's items one is withheld and must come first."""
    num = 16
    rng = np.random.default_rng(0)
    owned = [[item for item in range(user % 2, num, 2) if item != user] for user in range(num)]
    popularity = np.bincount(np.concatenate(owned), minlength=num)
    settings = RetrievalSettings(
        **{"embedding_dimension": 16, "dropout": 0.1, "id_dropout": 0.05, "title_words": False, **VARIANTS[variant]}
    )
    tf.keras.utils.set_random_seed(1)
    # What kind an item is says nothing of its parity: the events alone tell.
    model = TwoTowerModel(make_catalogue(num, num, np.arange(num) // 8), popularity, np.arange(num), settings)
    model.compile(optimizer=tf.keras.optimizers.Adam(0.02))
    step = tf.function(model.train_step, autograph=False)
    for _ in range(80):
        asked = [rng.choice(items, 2, replace=False).tolist() for items in owned]
        rest = [[item for item in items if item not in own] for items, own in zip(owned, asked, strict=True)]
        step(
            {
                "user_index": tf.range(num),
                "timestamp": tf.range(num, dtype=tf.int64),
                "history_index": tf.ragged.constant(rest, dtype=tf.int32, row_splits_dtype=tf.int64),
                "item_index": tf.ragged.constant(asked, dtype=tf.int32, row_splits_dtype=tf.int64),
            }
        )
    histories = tf.ragged.constant(owned, dtype=tf.int32, row_splits_dtype=tf.int64)
    queries = model.encode_queries(tf.range(num), histories, tf.range(num, dtype=tf.int64)).numpy()
    scores = queries @ model.encode_candidates(tf.range(num)).numpy().T
    for user, items in enumerate(owned):
        scores[user, items] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(num))


@pytest.mark.parametrize(
    ("num_users", "num_items", "width"), [(943, 1_682, 128), (20_000, 12_768, 128), (20_000, 12_769, 64)]
)
def test_vectors_are_narrower_for_many_users_and_items(num_users: int, num_items: int, width: int) -> None:
    popularity, rows = np.ones(num_items, np.int64), Ragged(np.zeros(0, np.int32), np.zeros(num_items + 1, np.int64))
    catalogue = Catalogue(num_users, 0, 0, 0, rows, rows, rows)
    model = TwoTowerModel(catalogue, popularity, TIMES, RetrievalSettings(user_id=False, history="none", item_id=False))
    assert model.encode_candidates(tf.range(2)).shape == [2, width + 1]
