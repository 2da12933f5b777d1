"""Every encoder through TFLite: its files answer as the model does, for an empty history too.

A minute or two: each model is converted four times, and each file is asked in a process of its own.
"""

import numpy as np
import pytest
import tensorflow as tf

from components.on_device_exporter.calibrated import convert_calibrated
from recommender.interactions.items import describe
from recommender.models.sequence import SequenceModel
from recommender.serving import sequence as export
from recommender.tflite import convert, verify
from recommender.training.fit_sequence import sequence_data
from schemas.settings import SequenceModelSettings
from small_interactions import interactions

NUM_ITEMS, K = 30, 8
FEATURES = {
    "item": {"length": 4},
    "genre": {"length": 6, "width": 4},
    "title_word": {"length": 5, "width": 6},
    "rating": {"length": 4, "width": 2},
    "age": {"length": 4, "width": 2},
}
CASES = [(encoder, tuple(FEATURES)) for encoder in ("bow", "cnn", "rnn", "attention")] + [("bow", ("item", "genre"))]
TOLERANCES = {"float32": 1e-5, "float16": 5e-3, "dynamic_range": 5e-2, "int8": 0.1}


@pytest.mark.parametrize(("encoder", "features"), CASES)
def test_files_answer_as_the_model(encoder: str, features: tuple[str, ...], tmp_path) -> None:
    # Item 1 has neither genre nor words: a history of it alone leaves these empty.
    titles = ["", *(f"word{number % 5}" for number in range(2, NUM_ITEMS + 1))]
    genres = [[], *([f"g{number % 3}"] for number in range(2, NUM_ITEMS + 1))]
    ids = [f"i{number}" for number in range(1, NUM_ITEMS + 1)]
    items = describe(ids, titles, genres, np.arange(NUM_ITEMS, 0, -1))
    numbers = np.arange(1, NUM_ITEMS + 1, dtype=np.int32)
    events = interactions(numbers, numbers, numbers % 5, numbers)
    tree = {"name": "x", "encoder": encoder, "features": {name: FEATURES[name] for name in features}, "k": K}
    settings = SequenceModelSettings.model_validate(
        tree | {"embedding_width": 8, "rnn": {"units": 6}, "cnn": {"filters": (6, 6)}}
    )
    tf.keras.utils.set_random_seed(3)
    model = SequenceModel(sequence_data(events, items), settings)
    contexts = [_context(features, length) for length in (0, 1, 3)]
    model.encode(contexts[0])
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(scale=0.5, size=weight.shape) for weight in model.get_weights()])
    encoded = [model.encode(context) for context in contexts]
    calls = [{f"context_{name}": values.numpy() for name, values in context.items()} for context in contexts]
    export.save(model, items, settings, str(tmp_path / "model"))
    for variant, tolerance in TOLERANCES.items():
        if variant == "int8":
            content = convert_calibrated(str(tmp_path / "model"), "recommend", _windows(features))
        else:
            content = convert.convert(str(tmp_path / "model"), ("recommend", "recommend_ids"), variant)
        assert "CUSTOM" not in convert.operators(content, ("recommend",))
        (tmp_path / "x.tflite").write_bytes(content)
        answers = verify.check(tmp_path / "x.tflite", "recommend", calls)["outputs"]
        for context, vector, answer in zip(contexts, encoded, answers, strict=True):
            scores = model.score(vector).numpy()[0]
            scores[np.append(0, context["item"])] = -np.inf
            expected = -np.sort(-scores)[:K]
            size = np.abs(expected).max()
            np.testing.assert_allclose(answer["score"], expected, atol=tolerance * size, err_msg=variant)
            np.testing.assert_allclose(scores[answer["item"]], expected, atol=2 * tolerance * size, err_msg=variant)


def _windows(features: tuple[str, ...]) -> dict[str, np.ndarray]:
    """To calibrate on: contexts of 0 to 3 events, those that are asked about among them."""
    several = [_context(features, length) for length in (0, 1, 2, 3) * 5]
    return {f"context_{name}": np.concatenate([context[name] for context in several]) for name in features}


def _context(features: tuple[str, ...], length: int) -> dict[str, tf.Tensor]:
    """Of so many events; of one, the item that has no genres."""
    values = {
        "item": [1, 7, 4][:length],
        "genre": [2, 1][: length - 1] if length else [],
        "title_word": [3, 1][: length - 1] if length else [],
        "rating": [4.0, 2.0, 5.0][:length],
        "age": [9.0, 1.0, 0.5][:length],
    }
    nothing = {"age": -1.0}
    padded = {
        name: values[name] + [nothing.get(name, 0)] * (FEATURES[name]["length"] - len(values[name]))
        for name in features
    }
    return {
        name: tf.constant([row], tf.float32 if name in ("rating", "age") else tf.int32) for name, row in padded.items()
    }
