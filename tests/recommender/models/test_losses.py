import numpy as np
import pytest
import tensorflow as tf

from recommender.models.losses import draw_candidates, log_inclusion, softmax_loss

LOGITS = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], np.float32)
QUERIES, COLUMNS = np.array([0, 0, 1]), np.array([0, 2, 1])


def gradient(log_inclusion: list[float], weights: list[float] | None = None) -> tuple[float, np.ndarray]:
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        loss = softmax_loss(logits, QUERIES, COLUMNS, tf.constant(log_inclusion), weights)
    return float(loss), tf.convert_to_tensor(tape.gradient(loss, logits)).numpy()


def test_full_softmax_by_hand() -> None:
    """The gradient is the probability, once for each positive of the query, less 1 for each positive; their mean."""
    loss, slope = gradient([0.0, 0.0, 0.0])
    probability = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    expected = np.array([2, 1])[:, np.newaxis] * probability
    expected[QUERIES, COLUMNS] -= 1
    assert loss == pytest.approx(-np.log(probability[QUERIES, COLUMNS]).mean(), rel=1e-6)
    assert slope == pytest.approx(expected / 3, abs=1e-6)


def test_a_weight_counts_as_that_many_positives() -> None:
    nothing, columns = [0.0, 0.0, 0.0], [0, 2, 2, 2, 1]
    loss, slope = gradient(nothing, weights=[1.0, 3.0, 1.0])
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        repeated = softmax_loss(logits, np.array([0, 0, 0, 0, 1]), columns, tf.constant(nothing))
    assert loss == pytest.approx(float(repeated), rel=1e-6)
    assert slope == pytest.approx(tf.convert_to_tensor(tape.gradient(repeated, logits)).numpy(), abs=1e-6)


def test_log_q_raises_what_is_rarely_drawn() -> None:
    """A candidate sampled with probability 1/4 counts as four: its logit is raised, as a negative and as a positive."""
    inclusion = np.array([1.0, 0.25, 1.0])
    loss, slope = gradient(np.log(inclusion).tolist())
    raised = np.exp(LOGITS) / inclusion
    probability = raised / raised.sum(axis=1, keepdims=True)
    expected = np.array([2, 1])[:, np.newaxis] * probability
    expected[QUERIES, COLUMNS] -= 1
    assert loss == pytest.approx(-np.log(probability[QUERIES, COLUMNS]).mean(), rel=1e-6)
    assert slope == pytest.approx(expected / 3, abs=1e-6)
    assert slope[0, 1] > gradient([0.0, 0.0, 0.0])[1][0, 1] > 0


def test_candidates_are_distinct_and_hold_the_batch() -> None:
    tf.keras.utils.set_random_seed(2)
    items = tf.constant([7, 3, 7, 9], tf.int32)
    drawn = set()
    for _ in range(20):
        candidates, positions = (tensor.numpy() for tensor in draw_candidates(items, num_items=12, num_uniform=5))
        assert len(set(candidates.tolist())) == len(candidates) <= 8
        assert candidates[positions].tolist() == items.numpy().tolist()
        drawn |= set(candidates.tolist())
    assert drawn == set(range(12))


def test_inclusion_by_batch_or_draw() -> None:
    # 1 - (1 - 1/2) (3/4)^2, and 1 - (3/4)^2 for what no batch holds.
    found = np.exp(log_inclusion(tf.constant([0.5, 0.0]), num_items=4, num_uniform=2).numpy())
    assert found == pytest.approx([1 - 0.5 * 0.5625, 1 - 0.5625])
    assert np.isfinite(log_inclusion(tf.constant([0.0]), num_items=4, num_uniform=0).numpy()).all()


def test_sampled_loss_estimates_the_full_one() -> None:
    """Over many draws the corrected sum of raised logits has the mean of the sum over the whole catalogue."""
    rng = np.random.default_rng(5)
    logits, num_items, num_uniform = rng.normal(size=40), 40, 12
    items = tf.constant([3, 8], tf.int32)
    in_batch = np.isin(np.arange(num_items), items).astype(np.float32)
    correction = log_inclusion(tf.constant(in_batch), num_items, num_uniform).numpy()
    tf.keras.utils.set_random_seed(4)
    draw = tf.function(lambda: draw_candidates(items, num_items, num_uniform)[0])
    draws = [draw().numpy() for _ in range(3_000)]
    estimates = [np.exp(logits[candidates] - correction[candidates]).sum() for candidates in draws]
    assert np.mean(estimates) == pytest.approx(np.exp(logits).sum(), rel=0.02)
