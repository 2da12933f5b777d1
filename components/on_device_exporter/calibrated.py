"""TFLite models that compute in 8 bits, calibrated on training windows."""

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
"""Operators that write or read minus infinity, the score of an excluded item, which no 8-bit range can hold; and those
that keep an empty sum above zero, with a number that 8 bits round to zero, and divide by it."""


def convert_calibrated(saved_model: str, signature: str, windows: dict[str, np.ndarray]) -> bytes:
    """Converts one signature, with tables and products in 8 bits; its inputs and outputs keep their types.

    Lookup tables of strings cannot be calibrated, so they and the signatures that need them are left out.

    Args:
      saved_model: folder of the SavedModel.
      signature: name of the signature, in the SavedModel and in the TFLite model.
      windows: for each input, [n, length] values to calibrate on.

    Returns:
      The content of the `.tflite` file.

    Raises:
      RuntimeError: there are no windows, or the converter fails.
    """
    number = len(next(iter(windows.values())))
    if not number:
        raise RuntimeError("expected training windows to calibrate int8 on, got none: remove int8 from the variants")

    def calls() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        for row in range(number):
            yield signature, {name: column[row : row + 1] for name, column in windows.items()}

    with TemporaryDirectory() as folder:
        _save_alone(saved_model, signature, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[signature])
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = calls
        # Two steps, as in TensorFlow's quantization debugger, since only `mlir_quantize` can keep operators in float.
        converter._experimental_calibrate_only = True
        try:
            calibrated = _without_infinite_ranges(converter.convert())
            return convert.mlir_quantize(calibrated, denylisted_ops=_KEPT_IN_FLOAT)
        except (ConverterError, RuntimeError, ValueError) as error:
            raise RuntimeError(f"`{signature}` cannot be calibrated: {error}") from error


def _without_infinite_ranges(model: bytes) -> bytes:
    """Drops the ranges of tensors that held minus infinity, which would otherwise spread to their inputs.

    Args:
      model: content of a calibrated `.tflite` file.
    """
    unpacked = flatbuffer_utils.convert_bytearray_to_object(model)
    for graph in unpacked.subgraphs:
        for tensor in graph.tensors:
            range_ = tensor.quantization
            # Calibration records minus infinity as the lowest float32.
            if range_ is not None and range_.min is not None and np.min(range_.min) <= np.finfo(np.float32).min:
                tensor.quantization = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(unpacked))


def _save_alone(saved_model: str, signature: str, folder: str) -> None:
    """Writes a SavedModel of one signature and its variables, without the other signatures' tables of strings."""
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
