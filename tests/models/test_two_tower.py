import numpy as np
import pytest
import tensorflow as tf

from components.models.inputs import Catalogue, Events, Ragged
from components.models.two_tower import TwoTowerModel
from schemas.settings import RetrievalSettings

NUM_ITEMS = 4
POPULARITY = np.array([6, 3, 1, 0])
BATCH = {
    "user_index": tf.constant([0, 1, 2]),
    "item_index": tf.constant([0, 0, 1]),
    "history_index": tf.ragged.constant([[1, 2], [], [0]], dtype=tf.int32),
}


def make_model(**settings: float) -> TwoTowerModel:
    nothing = Ragged(np.array([], np.int32), np.zeros(NUM_ITEMS + 1, np.int64))
    catalogue = Catalogue(3, 1, 1, nothing, nothing)
    without_dropout = {"dropout": 0, "history_dropout": 0, "id_dropout": 0, "embedding_dimension": 5}
    tf.keras.utils.set_random_seed(3)
    model = TwoTowerModel(catalogue, POPULARITY, RetrievalSettings(**{**without_dropout, **settings}))
    model.compute_loss(BATCH)
    model.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in model.get_weights()])
    return model


def test_probability_is_the_expected_number_in_the_batch_and_among_the_extra_negatives() -> None:
    # A batch of 10 holds 6, 3, 1 and 0 of the items, and the catalogue each once more: 7, 4, 2, 1.
    probability = make_model().candidate_probability(tf.range(NUM_ITEMS), 10).numpy()
    assert probability == pytest.approx([1, 4 / 7, 2 / 7, 1 / 7])
    # Two extra negatives of four items: half an item each.
    probability = make_model(extra_negatives=2).candidate_probability(tf.range(NUM_ITEMS), 10).numpy()
    assert probability == pytest.approx([1, 3.5 / 6.5, 1.5 / 6.5, 0.5 / 6.5])


def test_loss_by_hand() -> None:
    """Logits are lowered by log(expected number), and a positive's copies among the negatives do not count."""
    model = make_model()
    users, items = BATCH["user_index"], BATCH["item_index"].numpy()
    queries = model.encode_queries(users, BATCH["history_index"]).numpy()
    candidates = model.encode_candidates(tf.range(NUM_ITEMS)).numpy()
    expected_number = 3 * POPULARITY / 10 + 1
    columns = [*items, *range(NUM_ITEMS)]
    losses = []
    for row, positive in enumerate(items):
        logits = {
            column: queries[row] @ candidates[item] - np.log(expected_number[item])
            for column, item in enumerate(columns)
            if column == row or item != positive
        }
        losses.append(np.log(sum(np.exp(logit) for logit in logits.values())) - logits[row])
    assert float(model.compute_loss(BATCH)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_scores_are_dot_products_with_a_bias() -> None:
    model = make_model()
    queries = model.encode_queries(BATCH["user_index"], BATCH["history_index"]).numpy()
    candidates = model.encode_candidates(tf.range(NUM_ITEMS)).numpy()
    assert queries.shape == (3, 6) and candidates.shape == (NUM_ITEMS, 6)
    assert queries[:, -1].tolist() == [1, 1, 1]


def test_extra_negatives_reach_items_that_no_batch_holds() -> None:
    model = make_model(extra_negatives=2)
    drawn = {int(item) for _ in range(50) for item in model._draw_negatives()}
    assert drawn == set(range(NUM_ITEMS))


def test_checkerboard() -> None:
    """Users and items of equal parity belong together; of each user's items one is withheld and must come first."""
    num = 20
    nothing = Ragged(np.array([], np.int32), np.zeros(num + 1, np.int64))
    pairs = [(user, item) for user in range(num) for item in range(user % 2, num, 2) if item != user]
    user, item = np.array(pairs, np.int32).T
    tf.keras.utils.set_random_seed(1)
    model = TwoTowerModel(
        Catalogue(num, 1, 1, nothing, nothing),
        np.bincount(item, minlength=num),
        RetrievalSettings(embedding_dimension=16, dropout=0.1, id_dropout=0),
    )
    model.compile(optimizer=tf.keras.optimizers.Adam(0.03))
    of_user = [[item for other, item in pairs if other == user] for user in range(num)]
    history = tf.ragged.constant([[i for i in of_user[u] if i != own] for u, own in pairs], dtype=tf.int32)
    batch = {"user_index": tf.constant(user), "item_index": tf.constant(item), "history_index": history}
    step = tf.function(model.train_step)
    for _ in range(60):
        step(batch)
    queries = model.encode_queries(tf.range(num), tf.ragged.constant(of_user, dtype=tf.int32)).numpy()
    scores = queries @ model.encode_candidates(tf.range(num)).numpy().T
    scores[user, item] = -np.inf
    assert scores.argmax(axis=1).tolist() == list(range(num))


def test_what_was_never_fitted_is_not_left_as_noise() -> None:
    model = make_model()
    # Users 0 and 2 have events, and only item 1 stands in a history.
    history = Ragged(np.array([1], np.int32), np.array([0, 1, 1]))
    number = np.zeros(2)
    model.forget_unfitted(Events(np.array([0, 2]), np.array([0, 1]), number, number, history, history))
    nothing = tf.RaggedTensor.from_row_splits(tf.constant([], tf.int32), tf.zeros(5, tf.int64))
    fitted, unfitted, other, unknown = model.encode_queries(tf.range(4), nothing).numpy()
    assert unfitted == pytest.approx(unknown)
    assert fitted != pytest.approx(unknown) and other != pytest.approx(unknown)
    histories = tf.ragged.constant([[1], [2]], dtype=tf.int32)
    known, absent = model.encode_queries(tf.constant([0, 0]), histories).numpy()
    assert absent == pytest.approx(fitted) and known != pytest.approx(fitted)
