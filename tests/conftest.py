import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported: TFRS needs it
