"""SavedModel signatures to TFLite, with builtin operators only."""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

_CUSTOM = schema.BuiltinOperator.CUSTOM
_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def convert(saved_model: str, signatures: Sequence[str], variant: str) -> bytes:
    """The TFLite model of one signature or several, which share the tables that they have in common.

    Args:
      saved_model: folder of the SavedModel.
      signatures: their names; they become the TFLite model's.
      variant: `float32`; `float16`, with numbers of half the size; `dynamic_range`, with large tables in 8 bits.

    Raises:
      RuntimeError: operators are needed that are not builtin (Flex or custom); the message names them.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=list(signatures))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if variant != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        # Else newer converters quantize a table that is both looked up and multiplied twice, and store both.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    except ConverterError as error:
        # Without names it is another failure, and no matter of operators.
        foreign = sorted({found.operator.name for found in error.errors if found.operator.name})
        if not foreign:
            raise
        raise RuntimeError(_refusal(signatures, foreign)) from error


def operators(model: bytes, signatures: Sequence[str]) -> list[str]:
    """Names of the operators of a TFLite model, each once.

    Raises:
      RuntimeError: some are not builtin (Flex or custom); the message names them.
    """
    codes = schema.ModelT.InitFromPackedBuf(model, 0).operatorCodes
    if foreign := sorted(code.customCode.decode() for code in codes if code.builtinCode == _CUSTOM):
        raise RuntimeError(_refusal(signatures, foreign))
    # Codes beyond a byte stand in the newer field, the others in both.
    return sorted({_OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes})


def _refusal(signatures: Sequence[str], foreign: list[str]) -> str:
    return (
        f"{' and '.join(f'`{name}`' for name in signatures)}: operators are needed that are not builtin in TFLite: "
        f"{', '.join(foreign)}; a phone would need TensorFlow to run them: write the signature in builtin ones"
    )
