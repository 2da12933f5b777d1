from pathlib import Path

import pytest
import tensorflow as tf

from recommender.serving.saved_model import load_saved_model


def test_a_model_is_loaded_from_a_folder_with_special_characters(tmp_path: Path) -> None:
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    folder = tmp_path / "my data [2021]" / "1"
    tf.saved_model.save(module, str(folder))
    with pytest.raises(OSError, match="Failed to find any matching files"):
        tf.saved_model.load(str(folder))  # If this can load it, `load_saved_model` is not needed.
    assert float(load_saved_model(folder).weight) == 2.0
