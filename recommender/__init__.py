"""The domain: interactions in, recommendations out, without TFX, Beam or Kubeflow."""

import os

# TensorFlow Recommenders needs Keras 2, which TensorFlow chooses when it is first imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
