"""Why int8 is calibrated in two steps: what TensorFlow's converter does by itself, and what the steps rely on."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.python import convert

from components.on_device_exporter.calibrated import convert_calibrated

NUM_ITEMS, WIDTH, K = 20, 8, 3


class _Scorer(tf.Module):
    """The best items by inner product with one that was chosen, without that one."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = tf.Variable(np.random.default_rng(5).normal(size=[NUM_ITEMS, WIDTH]).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 1], tf.int32, "context_item")])
    def recommend(self, context_item: tf.Tensor) -> dict[str, tf.Tensor]:
        query = tf.gather(self.vectors, tf.reshape(context_item, [1]))
        scores = tf.reshape(tf.matmul(query, self.vectors, transpose_b=True), [NUM_ITEMS])
        nothing = tf.fill([1], np.float32(-np.inf))
        shown = tf.add_n([scores, tf.scatter_nd(context_item, nothing, [NUM_ITEMS])])
        best, items = tf.math.top_k(shown, K)
        return {"item": items, "score": best}


WINDOWS = np.arange(NUM_ITEMS, dtype=np.int32)[:, np.newaxis]


def _plain(folder: str) -> bytes:
    def calls() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for row in WINDOWS:
            yield "recommend", {"context_item": row[np.newaxis]}

    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["recommend"])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calls
    return converter.convert()


def _error(model: bytes, scorer: _Scorer) -> float:
    """The largest difference from the scores in float32, as a share of the largest of those."""
    runner = Interpreter(model_content=model).get_signature_runner("recommend")
    expected = np.stack([scorer.recommend(row[np.newaxis])["score"] for row in WINDOWS])
    found = np.stack([runner(context_item=row[np.newaxis])["score"] for row in WINDOWS])
    return float(np.abs(np.nan_to_num(found) - expected).max() / np.abs(expected).max())


def test_without_the_two_steps_minus_infinity_spoils_the_scores(tmp_path: Path) -> None:
    scorer, folder = _Scorer(), str(tmp_path)
    tf.saved_model.save(scorer, folder, signatures={"recommend": scorer.recommend})
    assert _error(_plain(folder), scorer) > 1, "TensorFlow leaves minus infinity out by itself: one step is enough"
    assert _error(convert_calibrated(folder, "recommend", {"context_item": WINDOWS}), scorer) < 0.05


def test_the_converter_has_the_switches_of_the_two_steps() -> None:
    scorer = _Scorer()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([scorer.recommend.get_concrete_function()], scorer)
    assert converter._experimental_calibrate_only is False
    assert "denylisted_ops" in inspect.signature(convert.mlir_quantize).parameters
