from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from recommender.tflite import convert


class _LowerCaseRater(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "user_id")])
    def rate(self, user_id: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": tf.strings.to_number(tf.strings.lower(user_id))}


class _Table(tf.Module):
    """10,000 numbers, read in two ways."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = tf.Variable(np.arange(10_000, dtype=np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int32, "place")])
    def one(self, place: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"number": tf.gather(self._numbers, place)}

    @tf.function(input_signature=[tf.TensorSpec([2], tf.int32, "place")])
    def two(self, place: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"number": tf.gather(self._numbers, place)}


def test_an_operator_that_is_not_builtin_is_refused_by_its_name(tmp_path: Path) -> None:
    model = _LowerCaseRater()
    tf.saved_model.save(model, str(tmp_path), signatures={"rate": model.rate})
    reason = r"`rate`: operators are needed that are not builtin in TFLite: "
    with pytest.raises(RuntimeError, match=reason + r"tf\.StringLower"):
        convert.convert(str(tmp_path), ["rate"], "float32")
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["rate"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    with pytest.raises(RuntimeError, match=reason + "FlexStringLower"):
        convert.operators(converter.convert(), ["rate"])


def test_signatures_share_their_tables(tmp_path: Path) -> None:
    model = _Table()
    tf.saved_model.save(model, str(tmp_path), signatures={"one": model.one, "two": model.two})
    alone = convert.convert(str(tmp_path), ["one"], "float32")
    both = convert.convert(str(tmp_path), ["one", "two"], "float32")
    assert 40_000 < len(alone) < len(both) < len(alone) + 4_000


class _TiedTable(tf.Module):
    """1,000 vectors of 64 numbers: one is looked up and multiplied by all."""

    def __init__(self) -> None:
        super().__init__()
        self._vectors = tf.Variable(np.random.default_rng(7).normal(size=[1_000, 64]).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int32, "place")])
    def scores(self, place: tf.Tensor) -> dict[str, tf.Tensor]:
        query = tf.nn.relu(tf.gather(self._vectors, place))
        return {"score": tf.matmul(query, self._vectors, transpose_b=True)}


def test_in_8_bits_a_table_that_is_looked_up_and_multiplied_is_stored_once(tmp_path: Path) -> None:
    model = _TiedTable()
    tf.saved_model.save(model, str(tmp_path), signatures={"scores": model.scores})
    sizes = {
        variant: len(convert.convert(str(tmp_path), ["scores"], variant)) for variant in ("float32", "dynamic_range")
    }
    assert sizes["float32"] > 256_000
    assert 64_000 < sizes["dynamic_range"] < 80_000
