"""SavedModel signature to TFLite, with builtin operators only."""

import tensorflow as tf


def convert(saved_model: str, signature: str) -> bytes:
    """The TFLite model of one signature, in float32.

    Args:
      saved_model: folder of the SavedModel.
      signature: name of the signature; it becomes the TFLite model's.

    Raises:
      Exception: TensorFlow's own, where the signature needs an operator that is not builtin (Flex or custom).
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model, signature_keys=[signature])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter.convert()
