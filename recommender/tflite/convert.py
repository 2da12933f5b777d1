"""Converts SavedModel signatures to TFLite, with builtin operators only."""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

_CUSTOM = schema.BuiltinOperator.CUSTOM
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def convert(saved_model: str, signatures: Sequence[str], variant: str) -> bytes:
    """Converts one or more signatures to a TFLite model, in which they share common tables.

    Args:
      saved_model: folder of the SavedModel.
      signatures: names of the signatures, which the TFLite model keeps.
      variant: `float32`; `float16`, with numbers of half the size; `dynamic_range`, with large tables in 8 bits.

    Raises:
      RuntimeError: operators are needed that are not builtin (Flex or custom); the message names them.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=list(signatures))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if variant != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Otherwise newer converters quantize a table twice that is both looked up and multiplied, and store both.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except ConverterError as error:
        # Without names, operators are not the cause.
        foreign = sorted({found.operator.name for found in error.errors if found.operator.name})
        if not foreign:
            raise
        raise RuntimeError(_refusal(signatures, foreign)) from error


def operators(model: bytes, signatures: Sequence[str]) -> list[str]:
    """Returns the names of the operators of a TFLite model, each once.

    Raises:
      RuntimeError: some are not builtin (Flex or custom); the message names them.
    """
    codes = schema.ModelT.InitFromPackedBuf(model, 0).operatorCodes
    if foreign := sorted(code.customCode.decode() for code in codes if code.builtinCode == _CUSTOM):
        raise RuntimeError(_refusal(signatures, foreign))
    # Codes larger than a byte are in the newer field, the others in both.
    return sorted({_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes})


def _refusal(signatures: Sequence[str], foreign: list[str]) -> str:
    return (
        f"{' and '.join(f'`{name}`' for name in signatures)}: operators are needed that are not builtin in TFLite: "
        f"{', '.join(foreign)}; without TensorFlow, a phone cannot run them; use builtin operators in the signature"
    )
