import numpy as np
import pytest
import tensorflow as tf

from recommender.models.sequence import SequenceData, SequenceModel
from schemas.settings import SequenceModelSettings

DATA = SequenceData(np.array([5, 0, 9, 2, 1]), 3, 4, 3.0, 1.0)
FEATURES = {
    "item": {"length": 4},
    "genre": {"length": 6, "width": 3},
    "title_word": {"length": 5, "width": 2},
    "rating": {"length": 4, "width": 2},
    "age": {"length": 4, "width": 3},
}
CONTEXT = {
    "item": [3, 1],
    "genre": [1, 3, 2],
    "title_word": [4],
    "rating": [5.0, 2.0],
    "age": [3.5, 0.0],
}
PADDING = {"rating": 0.0, "age": -1.0}


def make(features: tuple[str, ...], **changes) -> SequenceModel:
    """A model, all its weights random."""
    tf.keras.utils.set_random_seed(2)
    tree = {"name": "x", "features": {name: FEATURES[name] for name in features}, "embedding_width": 4}
    tree |= {"rnn": {"units": 4}, "attention": {"heads": 1}}
    model = SequenceModel(DATA, SequenceModelSettings.model_validate(tree | {"dropout": 0.0} | changes))
    model.encode(context(features))
    rng = np.random.default_rng(6)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def context(features: tuple[str, ...], more: int = 0) -> dict[str, tf.Tensor]:
    """The same events in places of which there are `more` than needed, behind."""
    rows = {}
    for name in features:
        length = FEATURES[name]["length"] + more
        rows[name] = CONTEXT[name] + [PADDING.get(name, 0)] * (length - len(CONTEXT[name]))
    dtypes = {name: tf.float32 if name in PADDING else tf.int32 for name in features}
    return {name: tf.constant([row], dtypes[name]) for name, row in rows.items()}


@pytest.mark.parametrize("encoder", ["bow", "cnn", "rnn", "attention"])
@pytest.mark.parametrize("features", [("item",), tuple(FEATURES), ("genre", "rating"), ("title_word", "rating", "age")])
def test_padding_never_changes_a_score(encoder: str, features: tuple[str, ...]) -> None:
    model = make(features, encoder=encoder)
    scores = model.score(model.encode(context(features))).numpy()
    for more in (1, 7):
        np.testing.assert_allclose(model.score(model.encode(context(features, more))), scores, atol=1e-4)
    if "item" in features and "rating" in features:
        # What stands beside padding is not read either.
        garbage = context(features)
        garbage["rating"] = tf.constant([[5.0, 2.0, 77.0, -3.0]])
        np.testing.assert_allclose(model.score(model.encode(garbage)), scores, atol=1e-4)


def test_a_new_model_knows_popularity_and_no_context_changes_that() -> None:
    model = SequenceModel(DATA, SequenceModelSettings(name="x", embedding_width=4))
    nothing = model.score(model.encode({"item": tf.zeros([1, 10], tf.int32)})).numpy()[0, 1:]
    # One event is added to each item's.
    np.testing.assert_allclose(nothing, np.log(np.array([6, 1, 10, 3, 2]) / 22), rtol=1e-5)


def test_the_loss_is_the_cross_entropy_of_the_labels() -> None:
    model, features = make(("item",)), ("item",)
    inputs = {"item": tf.concat([context(features)["item"], [[2, 0, 0, 0]]], axis=0)}
    labels = np.array([4, 1])
    logits = model.score(model.encode(inputs)).numpy()
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(share[[0, 1], labels]).mean()
    found = model.compute_loss((inputs, tf.constant(labels, tf.int32)))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_sample_of_everything_gives_the_loss_of_a_full_softmax_over_the_items() -> None:
    model = make(("item",), negatives=400)
    inputs, labels = context(("item",)), np.array([4])
    logits = model.score(model.encode(inputs)).numpy()[0, 1:]
    expected = np.log(np.exp(logits).sum()) - logits[labels[0] - 1]
    found = model.compute_loss((inputs, tf.constant(labels, tf.int32)))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_dropout_leaves_events_out_in_training_alone() -> None:
    model, features = make(("item",), dropout=0.9), ("item",)
    inputs = context(features)
    calm = [model.encode(inputs).numpy() for _ in range(2)]
    assert np.array_equal(*calm)
    drawn = {model.encode(inputs, training=True).numpy().tobytes() for _ in range(30)}
    # Neither, one or the other, both.
    assert 2 <= len(drawn) <= 4


@pytest.mark.parametrize("features", [("item",), ("genre", "item")])
def test_before_training_a_history_of_one_item_is_encoded_as_that_item(features: tuple[str, ...]) -> None:
    settings = SequenceModelSettings.model_validate(
        {"name": "x", "features": {name: FEATURES[name] for name in features}}
    )
    model = SequenceModel(DATA, settings)
    encoded = model.encode(context(features) | {"item": tf.constant([[3, 0, 0, 0]])}).numpy()[0]
    items = next(weight.numpy() for weight in model.weights if weight.name.startswith("items"))
    np.testing.assert_allclose(encoded, items[3], rtol=1e-6)


def test_the_first_columns_of_the_items_start_where_given() -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    settings = SequenceModelSettings(name="x", embedding_width=4)
    model = SequenceModel(DATA, settings, vectors)
    encoded = tf.constant([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    scores = (model.score(encoded) - model.score(tf.zeros([1, 4]))).numpy()
    assert scores[:2] == pytest.approx(vectors.T, abs=1e-4)
    assert 0 < np.abs(scores[2]).max() < 1
