"""Loading a SavedModel from any folder. TensorFlow's own function takes the path of the variables for a pattern."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from schemas.plain_path import plainly_named


def load_saved_model(folder: Path) -> Any:
    """The SavedModel in a folder, whatever characters its path has.

    Raises:
      OSError: there is none.
      tf.errors.OpError: it cannot be read.
    """
    with plainly_named(folder) as path:
        return tf.saved_model.load(str(path))
