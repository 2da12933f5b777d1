"""TFLite models that compute in 8 bits, whose ranges are taken from training windows."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import convert
from tensorflow.lite.python.convert_phase import ConverterError
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

_KEPT_IN_FLOAT = ["SCATTER_ND", "TOPK_V2", "SELECT_V2", "MAXIMUM", "DIV"]
"""What makes and takes minus infinity, the score of what is left out: no range in 8 bits can hold it. And what keeps a
sum of nothing above zero, by a number that would be zero in 8 bits, and what divides by it."""


def convert_calibrated(saved_model: str, signature: str, windows: dict[str, np.ndarray]) -> bytes:
    """One signature with tables and products in 8 bits; its inputs and outputs keep their types.

    Tables of strings, which cannot be calibrated, stay out, and with them the signatures that need them.

    Args:
      saved_model: folder of the SavedModel.
      signature: its name; it becomes the TFLite model's.
      windows: by input, [n, length]: what to calibrate on.

    Raises:
      RuntimeError: there are no windows, or the converter fails.
    """
    number = len(next(iter(windows.values())))
    if not number:
        raise RuntimeError("int8 is calibrated on training windows, and there are none: leave it out of the variants")

    def calls() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for row in range(number):
            yield signature, {name: column[row : row + 1] for name, column in windows.items()}

    with TemporaryDirectory() as folder:
        _save_alone(saved_model, signature, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = calls
        # In two steps, as TensorFlow's quantization debugger does: only so can operators be kept in float.
        converter._experimental_calibrate_only = True
        try:
            calibrated = _without_infinite_ranges(converter.convert())
            return convert.mlir_quantize(calibrated, denylisted_ops=_KEPT_IN_FLOAT)
        except (ConverterError, RuntimeError, ValueError) as error:
            raise RuntimeError(f"`{signature}` cannot be calibrated: {error}") from error


def _without_infinite_ranges(model: bytes) -> bytes:
    """Forgets the ranges of tensors that held minus infinity, which would spread to what these are made of.

    Args:
      model: TFLite, with the ranges of its tensors.
    """
    unpacked = flatbuffer_utils.convert_bytearray_to_object(model)
    for graph in unpacked.subgraphs:
        for tensor in graph.tensors:
            range_ = tensor.quantization
            # The lowest number of 32 bits stands for minus infinity there.
            if range_ is not None and range_.min is not None and np.min(range_.min) <= np.finfo(np.float32).min:
                tensor.quantization = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(unpacked))


def _save_alone(saved_model: str, signature: str, folder: str) -> None:
    """Writes a SavedModel with the signature and what it reads: else all tables of strings would come along."""
    loaded = tf.saved_model.load(saved_model)
    declared = loaded.signatures[signature]
    frozen = convert_variables_to_constants_v2(declared)
    given = declared.structured_input_signature[1]
    names = [argument.name.removesuffix(":0") for argument in frozen.inputs]
    outputs = sorted(declared.structured_outputs)

    def call(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(outputs, frozen(*(inputs[name] for name in names)), strict=True))

    module = tf.Module()
    module.call = tf.function(call, autograph=False).get_concrete_function(**given)
    tf.saved_model.save(module, str(Path(folder)), signatures={signature: module.call})
