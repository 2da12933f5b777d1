import numpy as np
import pytest
import tensorflow as tf

from recommender.models.context_encoders import make_encoder, places_from_end
from schemas.settings import SequenceModelSettings

ENCODERS = ("bow", "cnn", "rnn", "attention")
WIDTH, LENGTH = 6, 5


def make(kind: str, scale: float = 1.0) -> tf.keras.layers.Layer:
    """An encoder, all its weights random, those too that start from zero."""
    tf.keras.utils.set_random_seed(4)
    settings = SequenceModelSettings.model_validate(
        {"name": "x", "encoder": kind, "cnn": {"filters": (4, 3), "kernels": (3, 2)}, "rnn": {"units": 4}}
    )
    encoder = make_encoder(LENGTH, settings)
    encoder(tf.zeros([1, LENGTH, WIDTH]), tf.ones([1, LENGTH], tf.bool))
    rng = np.random.default_rng(8)
    encoder.set_weights([rng.normal(scale=scale, size=weight.shape) for weight in encoder.get_weights()])
    return encoder


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("given", [0, 1, 2, 5])
@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_padding_is_never_read_however_much_there_is(kind: str, given: int, scale: float) -> None:
    encoder, rng = make(kind, scale), np.random.default_rng(1)
    vectors = rng.normal(size=(1, given, WIDTH)).astype(np.float32)
    results = []
    for length in (LENGTH, LENGTH + 1, 13):
        for garbage in (0.0, 1e3, -7.0):
            padded = np.full([1, length, WIDTH], garbage, np.float32)
            padded[:, :given] = vectors
            results.append(encoder(tf.constant(padded), tf.constant([[place < given for place in range(length)]])))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-5, atol=1e-5 * scale**4)
    assert np.isfinite(results[0]).all()


@pytest.mark.parametrize("kind", ENCODERS)
def test_what_is_given_is_read(kind: str) -> None:
    encoder, rng = make(kind), np.random.default_rng(2)
    vectors = rng.normal(size=(1, LENGTH, WIDTH)).astype(np.float32)
    mask = tf.constant([[True, True, True, True, False]])
    base = encoder(tf.constant(vectors), mask).numpy()
    # The convolutions reach three back from the last, and their mean everywhere.
    for place in range(4):
        moved = vectors.copy()
        moved[:, place, 0] += 1.0
        assert np.abs(encoder(tf.constant(moved), mask).numpy() - base).max() > 1e-4
    swapped = vectors[:, [1, 0, 2, 3, 4]]
    assert np.abs(encoder(tf.constant(swapped), mask).numpy() - base).max() > 1e-4, "the order counts"


def test_a_bag_is_the_mean_at_first_and_weighs_by_places_from_the_end() -> None:
    bag = make_encoder(3, SequenceModelSettings(name="x"))
    vectors, mask = tf.constant([[[2.0], [5.0], [100.0]]]), tf.constant([[True, True, False]])
    assert bag(vectors, mask).numpy().tolist() == [[3.5]]
    bag.set_weights([np.log([3.0, 1.0, 50.0])])
    # The latest, 5, counts thrice, the one before once.
    np.testing.assert_allclose(bag(vectors, mask), [[(3 * 5 + 2) / 4]], rtol=1e-6)


def test_places_count_what_is_given() -> None:
    mask = tf.constant([[True, False, True, True, False]])
    assert places_from_end(mask, 9).numpy()[0, [0, 2, 3]].tolist() == [2, 1, 0]
    assert places_from_end(mask, 2).numpy().max() == 1


def test_an_lstm_is_that_of_keras_on_what_is_given() -> None:
    encoder, rng = make("rnn"), np.random.default_rng(3)
    vectors = rng.normal(size=(2, LENGTH, WIDTH)).astype(np.float32)
    reference = tf.keras.layers.LSTM(4)
    reference(vectors)
    reference.set_weights(encoder.get_weights())
    found = encoder(tf.constant(vectors), tf.constant([[True] * 3 + [False] * 2, [True] * 5])).numpy()
    np.testing.assert_allclose(found[0], reference(vectors[:1, :3]).numpy()[0], atol=1e-5)
    np.testing.assert_allclose(found[1], reference(vectors[1:]).numpy()[0], atol=1e-5)


def test_attention_refuses_a_width_that_its_heads_cannot_share() -> None:
    encoder = make_encoder(3, SequenceModelSettings(name="x", encoder="attention"))
    with pytest.raises(ValueError, match="width 5 cannot be divided evenly among 2 heads"):
        encoder(tf.zeros([1, 3, 5]), tf.ones([1, 3], tf.bool))
