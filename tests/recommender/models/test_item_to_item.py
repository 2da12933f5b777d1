import numpy as np
import pytest
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.item_to_item import ItemToItemModel
from schemas.settings import CoConsumptionSettings

POPULARITY = np.array([6, 3, 1, 0])
INPUTS = (
    tf.constant([0, 2, 0]),
    tf.ragged.constant([[1, 2], [0], [1]], dtype=tf.int32, row_splits_dtype=tf.int64),
)
PAIRS = [(0, 1), (0, 2), (2, 0), (0, 1)]
WITHOUT_CHANCE = {"dropout": 0.0, "id_dropout": 0.0, "weight_decay": 0.0}


def make_model(**settings: object) -> ItemToItemModel:
    kinds = Ragged(np.array([0, 1, 0, 1], np.int32), np.arange(5))
    catalogue = Catalogue(3, 2, 2, 2, kinds, kinds, kinds)
    model = ItemToItemModel(catalogue, POPULARITY, CoConsumptionSettings(**{**WITHOUT_CHANCE, **settings}))
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.3))
    return model


def likeness(model: ItemToItemModel) -> np.ndarray:
    """[4, 4] what the towers say, without popularity."""
    queries, candidates = model.encode_queries(tf.range(4)).numpy(), model.encode_candidates(tf.range(4)).numpy()
    return queries[:, :-1] @ candidates[:, :-1].T


def test_the_loss_is_that_of_shares_of_events_times_likeness() -> None:
    """Item 3, without an event, is no negative."""
    model = make_model()
    raised = np.exp(likeness(model)) * POPULARITY / 10
    probability = raised / raised.sum(axis=1, keepdims=True)
    expected = -np.log([probability[pair] for pair in PAIRS]).mean()
    assert float(model.compute_loss(INPUTS)) == pytest.approx(expected, rel=1e-5)


def test_the_sampled_loss_raises_what_batches_rarely_hold() -> None:
    """Without a draw, the candidates are the batch's items 0, 1 and 2; four positives are in it."""
    model = make_model(full_softmax_items=0, uniform_negatives=0)
    share = POPULARITY[:3] / 10
    raised = np.exp(likeness(model))[:, :3] * share / (1 - (1 - share) ** 4)
    probability = raised / raised.sum(axis=1, keepdims=True)
    expected = -np.log([probability[pair] for pair in PAIRS]).mean()
    assert float(model.compute_loss(INPUTS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_popularity_counts_by_its_weight_and_is_the_median_for_unrated_items(weight: float) -> None:
    model = make_model(popularity_weight=weight)
    queries, candidates = model.encode_queries(tf.range(4)).numpy(), model.encode_candidates(tf.range(4)).numpy()
    expected = likeness(model) + weight * np.log([6, 3, 1, 3])
    assert queries @ candidates.T == pytest.approx(expected, rel=1e-5)


def test_shared_towers_are_symmetric_and_separate_ones_are_not() -> None:
    shared, apart = likeness(make_model(shared_towers=True)), likeness(make_model())
    assert shared == pytest.approx(shared.T, rel=1e-5)
    assert np.abs(apart - apart.T).max() > 0.01


def test_weight_decay_adds_the_squares() -> None:
    plain, decayed = make_model(), make_model(weight_decay=0.01)
    squares = sum(np.square(weight.numpy()).sum() for weight in plain.trainable_weights)
    difference = float(decayed.compute_loss(INPUTS) - plain.compute_loss(INPUTS))
    assert difference == pytest.approx(0.01 * squares, rel=1e-3)
